/**
 * Replaces `node:http` in bundles. An ESM import of a built-in module reads all of its exports, and some getters of `node:http`
 * load fetch and WebSocket, which adds about 20 ms to a cold start. This module reads only the exports in use.
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
