/** What the simulator answers when it cannot do what was asked. `body` is the JSON that the caller gets. */
export class SimulatorError extends Error {
  override readonly name: string = 'SimulatorError';
  readonly status: 400 | 404 | 409;
  readonly body: { readonly error: Readonly<Record<string, string>> };

  constructor(status: SimulatorError['status'], error: Readonly<Record<string, string>>) {
    super(error.message ?? `${error.field}: expected ${error.expected}`);
    this.status = status;
    this.body = { error };
  }
}

export class BadField extends SimulatorError {
  override readonly name = 'BadField';
  constructor(field: string, expected: string) {
    super(400, { field, expected });
  }
}

export class ChatNotFound extends SimulatorError {
  override readonly name = 'ChatNotFound';
  constructor(chatId: string) {
    super(404, { message: `There is no chat ${chatId}; GET /simulator/chats lists those there are.` });
  }
}

/** The request is well formed, but the chat is not in a state that allows it. */
export class ChatConflict extends SimulatorError {
  override readonly name = 'ChatConflict';
  constructor(message: string) {
    super(409, { message });
  }
}
