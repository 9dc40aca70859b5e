import {
  ConcurrentWritesError,
  type ErasureTarget,
  erase,
  findStoredData,
  isEmpty,
  type StoredData,
} from '../../core/erasure/erasure.ts';
import { confirm } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { chooseOrganization } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { withProgress } from '../progress.ts';
import { theConversation } from './find.ts';
import type { EraseOptions } from './options.ts';

/** What is left where the bridge has no hand. */
const notErased = [
  'LiveChat: the chat is still there; erase it at LiveChat',
  'the event archive, and replays from it, until their time is over',
  'executions of the state machine: AWS keeps their input for 90 days',
  'parked dead letters, which nobody could read, for up to 14 days',
  'files to be sent that lie in no folder of the conversation’s or the customer’s id',
  'backups of the tables, until they expire',
  'logs: they hold ids, never what was said',
];

const words: Readonly<Record<string, string>> = {
  conversation: 'conversations',
  event: 'chat events',
  readMark: 'read marks',
  routing: 'threads being routed',
  decision: 'routing decisions',
  message: 'messages and notes',
  buttonClick: 'clicks',
  delivery: 'deliveries',
  deadLetter: 'dead letters',
  queue: 'queues of sending',
};

const countsOf = ({ items, media, largeEvents }: StoredData): Readonly<Record<string, number>> => {
  const counts = new Map<string, number>();
  const add = (what: string, number: number) => counts.set(what, (counts.get(what) ?? 0) + number);
  for (const { entity } of items) add(words[entity] ?? entity, 1);
  if (media.length > 0) add('files', media.length);
  if (largeEvents.length > 0) add('large events', largeEvents.length);
  return Object.fromEntries(counts);
};

const findTarget = async (
  chat: string | undefined,
  { customer, organization }: EraseOptions,
): Promise<ErasureTarget> => {
  if (chat === undefined) {
    return {
      organizationId: await chooseOrganization(organization),
      customers: customer === undefined ? [] : [customer],
    };
  }
  const { id: conversationId, organizationId, participants } = await theConversation(chat, organization);
  const customers = participants.flatMap(({ type, id }) => (type === 'customer' ? [id] : []));
  return { organizationId, conversationId, customers };
};

const show = (stored: StoredData): void => {
  for (const { id, name, email } of stored.customers) {
    print(
      [colours.bold(printable(name ?? 'a customer')), printable(email ?? ''), colours.dim(id)]
        .filter(Boolean)
        .join('  '),
    );
  }
  print(`in ${stored.conversationIds.join(', ')}\n`);
  printTable(
    ['what', 'how many'],
    Object.entries(countsOf(stored)).map(([what, number]) => [what, number]),
  );
  print(`\n${colours.bold('Not erased by this')}`);
  for (const one of notErased) print(`  ${one}`);
};

const doIt = async (stored: StoredData, target: ErasureTarget): Promise<void> => {
  const { items, media, largeEvents } = stored;
  const steps = items.length + media.length + largeEvents.length;
  try {
    await withProgress('Erasing', steps, ({ step }) => erase(stored, target, step));
  } catch (error) {
    throw error instanceof ConcurrentWritesError ? new CliError(error.message, { cause: error }) : error;
  }
};

/** Erases one customer's data, after a look at it. */
export const eraseCustomer = async (chat: string | undefined, given: EraseOptions): Promise<void> => {
  const target = await findTarget(chat, given);
  const stored = await findStoredData(target);
  if (isEmpty(stored)) throw new CliError(`Nothing is stored of ${chat ?? given.customer}.`);
  if (!given.json) show(stored);
  const { organizationId, conversationIds } = stored;
  const found = { organizationId, conversationIds, erased: countsOf(stored), notErased };
  if (given.dryRun) {
    if (given.json) printJson({ ok: true, dryRun: true, ...found });
    else print('\nNothing was erased.');
    return;
  }
  if (stored.runningExecutions.length > 0) {
    throw new CliError(
      `Nothing was erased, since something is being sent into these chats and would write again (${stored.runningExecutions.length} under way). Run it again when that has ended.`,
    );
  }
  if (stored.queuedDeadLetters > 0) {
    throw new CliError(
      `Nothing was erased, since ${stored.queuedDeadLetters} dead letters are not read yet, and one of them may be of these chats. They are within seconds: run it again. If they stay, see livechat doctor.`,
    );
  }
  await confirm('Erase all this, for good?', given);
  await doIt(stored, target);
  if (given.json) printJson({ ok: true, ...found });
  else print(colours.green('Erased.'));
};
