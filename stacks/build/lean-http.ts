/**
 * Stands in for `node:http` in bundles. Importing a built-in module as ESM reads every export of it, and `node:http` has
 * some that load the whole of fetch and WebSocket (about 20 ms of a cold start): this reads only what is used.
 */
const http = process.getBuiltinModule('node:http');

export const {
  Agent,
  ClientRequest,
  createServer,
  get,
  globalAgent,
  IncomingMessage,
  maxHeaderSize,
  METHODS,
  OutgoingMessage,
  request,
  Server,
  ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} = http;
export { http as default };
