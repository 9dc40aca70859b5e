import { erase, type Inventory, isEmpty, type Meant, StillWritten, takeInventory } from '../../core/erasure/erasure.ts';
import { confirm } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { chosenOrganization } from '../organization.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { withProgress } from '../progress.ts';
import { theConversation } from './find.ts';
import type { EraseOptions } from './options.ts';

/** What is left where the bridge has no hand. */
const notErased = [
  'LiveChat: the chat is still there; erase it at LiveChat',
  'the event archive, and replays from it, until their time is over',
  'executions of the state machine: AWS keeps their input for 90 days',
  'the dead-letter queues: what nobody has read yet, and what is parked, for up to 14 days',
  'backups of the tables, until they expire',
  'logs: they hold ids, never what was said',
];

const words: Readonly<Record<string, string>> = {
  conversation: 'conversations',
  fact: 'things that happened in them',
  readMark: 'read marks',
  routing: 'threads being routed',
  decision: 'routing decisions',
  message: 'messages and notes',
  click: 'clicks',
  delivery: 'deliveries',
  deadLetter: 'dead letters',
  queue: 'queues of sending',
};

const countsOf = ({ items, media, largeEvents }: Inventory): Readonly<Record<string, number>> => {
  const counts = new Map<string, number>();
  const add = (what: string, number: number) => counts.set(what, (counts.get(what) ?? 0) + number);
  for (const { entity } of items) add(words[entity] ?? entity, 1);
  if (media.length > 0) add('files', media.length);
  if (largeEvents.length > 0) add('large events', largeEvents.length);
  return Object.fromEntries(counts);
};

const meant = async (chat: string | undefined, { customer, organization }: EraseOptions): Promise<Meant> => {
  if (chat === undefined) {
    return {
      organizationId: await chosenOrganization(organization),
      customers: customer === undefined ? [] : [customer],
    };
  }
  const { id: conversationId, organizationId, participants } = await theConversation(chat, organization);
  const customers = participants.flatMap(({ type, id }) => (type === 'customer' ? [id] : []));
  return { organizationId, conversationId, customers };
};

const show = (inventory: Inventory): void => {
  for (const { id, name, email } of inventory.customers) {
    print(
      [colours.bold(printable(name ?? 'a customer')), printable(email ?? ''), colours.dim(id)]
        .filter(Boolean)
        .join('  '),
    );
  }
  print(`in ${inventory.conversationIds.join(', ')}\n`);
  printTable(
    ['what', 'how many'],
    Object.entries(countsOf(inventory)).map(([what, number]) => [what, number]),
  );
  print(`\n${colours.bold('Not erased by this')}`);
  for (const one of notErased) print(`  ${one}`);
};

const doIt = async (inventory: Inventory, who: Meant): Promise<void> => {
  const { items, media, largeEvents } = inventory;
  const steps = items.length + media.length + largeEvents.length;
  try {
    await withProgress('Erasing', steps, ({ step }) => erase(inventory, who, step));
  } catch (error) {
    throw error instanceof StillWritten ? new CliError(error.message, { cause: error }) : error;
  }
};

/** Erases one customer's data, after a look at it. */
export const eraseCustomer = async (chat: string | undefined, given: EraseOptions): Promise<void> => {
  const who = await meant(chat, given);
  const inventory = await takeInventory(who);
  if (isEmpty(inventory)) throw new CliError(`Nothing is stored of ${chat ?? given.customer}.`);
  if (!given.json) show(inventory);
  const { organizationId, conversationIds } = inventory;
  const found = { organizationId, conversationIds, erased: countsOf(inventory), notErased };
  if (given.dryRun) {
    if (given.json) printJson({ ok: true, dryRun: true, ...found });
    else print('\nNothing was erased.');
    return;
  }
  if (inventory.underWay.length > 0) {
    throw new CliError(
      `Nothing was erased, since something is being sent into these chats and would write again (${inventory.underWay.length} under way). Run it again when that has ended.`,
    );
  }
  await confirm('Erase all this, for good?', given);
  await doIt(inventory, who);
  if (given.json) printJson({ ok: true, ...found });
  else print(colours.green('Erased.'));
};
