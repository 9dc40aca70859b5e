import { ChatNotFound, SimulatorError } from '../errors.ts';

/** Status and text of each type. LiveChat documents the types only; 401, 403, 422 and 429 were seen, the rest is guessed. */
const known = {
  agent_offline: [422, 'Agent is offline'],
  authentication: [401, 'Invalid access token'],
  authorization: [403, 'Requester is not user of the chat'],
  chat_inactive: [422, 'Chat is inactive'],
  groups_offline: [422, 'All groups are offline'],
  entity_too_large: [413, 'Upload limit exceeded (10MB).'],
  internal: [500, 'Internal server error'],
  license_expired: [403, 'License expired'],
  limit_reached: [422, 'Limit reached'],
  // Not 421: fetch would send the call again by itself, and its caller would never see the error.
  misdirected_request: [400, 'Wrong region'],
  not_found: [404, 'Not found'],
  request_timeout: [504, 'Request timed out'],
  service_unavailable: [503, 'Service unavailable'],
  too_many_requests: [429, 'Too many requests'],
  unsupported_version: [400, 'Cannot call unsupported API versions.'],
  validation: [422, 'Validation error'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type ErrorType = keyof typeof known;

export const isErrorType = (type: string): type is ErrorType => Object.hasOwn(known, type);

export const errorTypes: readonly string[] = Object.keys(known);

export interface ErrorDetails {
  readonly message?: string;
  readonly status?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number | undefined;
}

/** An error as LiveChat answers it. */
export class LiveChatError extends Error {
  override readonly name = 'LiveChatError';
  readonly type: ErrorType;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly #data: ErrorDetails['data'];

  constructor(type: ErrorType, details: ErrorDetails = {}) {
    const [status, message] = known[type];
    super(details.message ?? message);
    this.type = type;
    this.status = details.status ?? status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.#data = details.data;
  }

  get body() {
    const { type, message } = this;
    return { error: { type, message, ...(this.#data && { data: this.#data }) } };
  }
}

export const invalid = (message: string): LiveChatError => new LiveChatError('validation', { message });

/** The type that LiveChat would give with this status. */
export const typeOfStatus = (status: number): ErrorType => {
  const found = Object.entries(known).find(([, [own]]) => own === status)?.[0];
  if (found !== undefined && isErrorType(found) && status !== 422) return found;
  return status >= 500 ? 'internal' : 'validation';
};

/** What LiveChat answers to whatever went wrong; a failure of the simulator itself is logged. */
export const toLiveChatError = (error: unknown): LiveChatError => {
  if (error instanceof LiveChatError) return error;
  if (error instanceof ChatNotFound) return new LiveChatError('not_found');
  if (error instanceof SimulatorError) return invalid(error.message);
  console.error('The simulator failed:', error);
  return new LiveChatError('internal');
};
