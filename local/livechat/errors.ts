/** An error of the simulator's own API. `body` is the JSON response. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly status: 400 | 404 | 409;
  readonly body: { readonly error: Readonly<Record<string, string>> };

  constructor(status: SimulatorError['status'], error: Readonly<Record<string, string>>) {
    super(error.message ?? `${error.field}: expected ${error.expected}`);
    this.status = status;
    this.body = { error };
  }
}

export const invalidField = (field: string, expected: string) => new SimulatorError(400, { field, expected });

export const chatNotFound = (chatId: string) =>
  new SimulatorError(404, { message: `Chat ${chatId} does not exist. GET /simulator/chats lists the chats.` });

/** The request is valid, but the state of the chat does not allow it. */
export const chatConflict = (message: string) => new SimulatorError(409, { message });

/**
 * Status and message of each error type. LiveChat documents only the types; 401, 403, 422 and 429 were observed, the
 * other statuses are assumptions.
 */
const errorDefaults = {
  agent_offline: [422, 'Agent is offline'],
  authentication: [401, 'Invalid access token'],
  authorization: [403, 'Requester is not user of the chat'],
  chat_inactive: [422, 'Chat is inactive'],
  groups_offline: [422, 'All groups are offline'],
  entity_too_large: [413, 'Upload limit exceeded (10MB).'],
  internal: [500, 'Internal server error'],
  license_expired: [403, 'License expired'],
  limit_reached: [422, 'Limit reached'],
  // Not 421: fetch retries a 421 without showing it to the caller.
  misdirected_request: [400, 'Wrong region'],
  not_found: [404, 'Not found'],
  request_timeout: [504, 'Request timed out'],
  service_unavailable: [503, 'Service unavailable'],
  too_many_requests: [429, 'Too many requests'],
  unsupported_version: [400, 'Cannot call unsupported API versions.'],
  validation: [422, 'Validation error'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type ErrorType = keyof typeof errorDefaults;

const isErrorType = (type: string): type is ErrorType => Object.hasOwn(errorDefaults, type);

export const errorTypes = Object.keys(errorDefaults).filter(isErrorType);

export interface ErrorDetails {
  readonly message?: string;
  readonly status?: number | undefined;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number | undefined;
}

/** An error response of LiveChat's APIs. */
export class LiveChatError extends Error {
  override readonly name = 'LiveChatError';
  readonly status: number;
  readonly body: object;
  readonly retryAfterSeconds: number | undefined;

  constructor(type: ErrorType, details: ErrorDetails = {}) {
    const [defaultStatus, defaultMessage] = errorDefaults[type];
    const { status = defaultStatus, message = defaultMessage, data, retryAfterSeconds } = details;
    super(message);
    this.status = status;
    this.body = { error: { type, message, data } };
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const validationError = (message: string): LiveChatError => new LiveChatError('validation', { message });

/** LiveChat uses this type where the requester is not a user of the chat. */
export const notMemberError = (): LiveChatError => new LiveChatError('authorization');

export const inactiveError = (form: 'chat_inactive' | 'validation'): LiveChatError =>
  form === 'chat_inactive' ? new LiveChatError('chat_inactive') : validationError('Chat is not active');

/** The error type that LiveChat returns with this status. */
export const errorTypeForStatus = (status: number): ErrorType => {
  if (status === 422) return 'validation';
  const found = errorTypes.find((type) => errorDefaults[type][0] === status);
  return found ?? (status >= 500 ? 'internal' : 'validation');
};

/** Maps any error to an API response. A failure of the simulator itself is logged. */
export const toLiveChatError = (error: unknown): LiveChatError => {
  if (error instanceof LiveChatError) return error;
  if (error instanceof SimulatorError) {
    return error.status === 404 ? new LiveChatError('not_found') : validationError(error.message);
  }
  console.error('The simulator failed:', error);
  return new LiveChatError('internal');
};
