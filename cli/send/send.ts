import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { findConversations } from '../../core/conversations/queries.ts';
import { liveChatSender } from '../../core/livechat/sender.ts';
import type { OutboundRequest } from '../../core/outbound/carrier.ts';
import { RequestInvalid } from '../../core/outbound/errors.ts';
import { progressOf, type RequestProgress } from '../../core/outbound/follow.ts';
import { checkRequest, type SendRequest, submit } from '../../core/outbound/submit.ts';
import { CliError, exitCodes, UsageError } from '../errors.ts';
import { chooseOrganization } from '../organization.ts';
import { colours, print, printJson } from '../output.ts';
import { contentOf } from './content.ts';
import type { SendOptions } from './options.ts';

const pollMs = 500;
/** What comes after its end: a dead letter is read and kept. */
const graceMs = 30_000;

const organizationOf = async ({ chat, organization }: SendOptions): Promise<string> => {
  if (organization !== undefined) return organization.toLowerCase();
  const [only, another] = await findConversations(chat);
  return only && !another ? only.organizationId : chooseOrganization(undefined);
};

const checked = (request: SendRequest, now: number): OutboundRequest<unknown> => {
  try {
    return checkRequest(request, liveChatSender().compose, now);
  } catch (error) {
    if (error instanceof RequestInvalid) throw new UsageError(`The message cannot be sent. ${error.message}`);
    throw error;
  }
};

const wordsOf = ({ status, parts, deadLetter }: RequestProgress): string => {
  const tried = parts.reduce((most, { attempts }) => Math.max(most, attempts), 0);
  const error = parts.find(({ lastError }) => lastError)?.lastError;
  switch (status) {
    case 'dead':
      return `${colours.red('dead')}: ${deadLetter?.errorName} ${deadLetter?.errorMessage} (livechat dead-letters show ${deadLetter?.id})`;
    case 'delivered':
      return `${colours.green('delivered')}  ${colours.dim(parts.map(({ messageId }) => messageId).join(', '))}`;
    default:
      return tried > 0 ? `${status}, ${tried} failed calls${error ? `, last ${error}` : ''}` : status;
  }
};

/** Shows each change, until there will be no other. */
const follow = async (
  request: OutboundRequest<unknown>,
  since: number,
  show: (progress: RequestProgress) => void,
): Promise<RequestProgress> => {
  let before = '';
  for (;;) {
    const progress = await progressOf(request, since);
    const now = wordsOf(progress);
    if (now !== before) show(progress);
    before = now;
    if (progress.status === 'delivered' || progress.status === 'dead') return progress;
    if (Date.now() > request.expiresAt + graceMs) {
      throw new CliError(`It is still ${progress.status}: the chat shows more (livechat conversations show).`);
    }
    await sleep(pollMs);
  }
};

/** Puts a request on the bus and, where told to, follows it to its end. */
export const send = async (given: SendOptions): Promise<void> => {
  const organizationId = await organizationOf(given);
  const requestId = given.requestId ?? randomUUID();
  const place = { requestId, organizationId, conversationId: given.chat };
  const { message, prepare } = await contentOf(given, place);
  const { onInactive, onAbsent, expiresInSeconds } = given;
  const request: SendRequest = {
    ...place,
    messages: [{ ...message, ...(given.note && { visibility: 'agents' }) }],
    options: { onInactive, onAbsent, expiresInSeconds },
  };
  const since = Date.now();
  const outbound = checked(request, since);
  await prepare?.();
  await submit('livechat.cli', request);
  if (!given.json) print(`requested  ${colours.dim(requestId)}`);
  if (!given.wait) {
    if (given.json) printJson({ ok: true, ...place });
    return;
  }
  const end = await follow(outbound, since, (progress) => {
    if (!given.json) print(wordsOf(progress));
  });
  const ok = end.status === 'delivered';
  if (!ok) process.exitCode = exitCodes.failure;
  if (given.json) printJson({ ok, ...place, ...end });
};
