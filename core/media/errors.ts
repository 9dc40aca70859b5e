/** A file that will be refused again, however often it is tried. The message names the limit, never the address. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly category = 'File';
  readonly retryable = false;
}

/** A file whose server does not answer now; another try may succeed. */
export class FileUnavailable extends Error {
  override readonly name = 'FileUnavailable';
  readonly category = 'File';
  readonly retryable = true;
}

export function isFileError(error: unknown): error is FileRefused | FileUnavailable {
  return error instanceof FileRefused || error instanceof FileUnavailable;
}
