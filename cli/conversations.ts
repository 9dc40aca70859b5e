import { channelName } from '../core/channel/spec.ts';
import { readProjection } from '../core/conversations/conversations.ts';
import { findCustomerName, statuses } from '../core/conversations/projection.ts';
import {
  type ConversationDetail,
  type ConversationSummary,
  findConversations,
  listConversations,
  sortByLatestActivity,
} from '../core/conversations/queries.ts';
import { type ErasureTarget, erase, findStoredData, isEmpty, type StoredData } from '../core/erasure/erasure.ts';
import {
  type AttemptView,
  type DeliveryView,
  type LoadedTranscript,
  loadTranscript,
} from '../core/outbound/read-model.ts';
import { chooseOrganization, chooseOrganizations } from './bridge.ts';
import type { EraseOptions, ListOptions, ShowOptions } from './commands/conversations.ts';
import { CliError, UsageError } from './errors.ts';
import { colours, print, printable, printJson, printPage } from './output.ts';
import { confirm, withProgress, withSpinner } from './prompts.ts';
import { printTable } from './table.ts';

/** Lists the conversations with the latest activity. */
export const listLatest = async (options: ListOptions): Promise<void> => {
  const { status, organization, limit } = options;
  const ids = await chooseOrganizations(organization);
  const wanted = status === undefined ? statuses : [status];
  const lists = await withSpinner('Reading conversations', () =>
    Promise.all(ids.map((id) => listConversations(id, wanted, limit + 1))),
  );
  printPage('conversations', sortByLatestActivity(lists.flat()), options, (conversations) =>
    printTable(
      conversations.map((one) => ({
        chat: one.id,
        status: one.status,
        'last activity': one.lastActivityAt.slice(0, 19),
        customer: printable(findCustomerName(one.participants) ?? ''),
        assigned: printable(assignees(one)),
      })),
    ),
  );
};

const assignees = ({ assigned: { agents, groups } }: ConversationSummary): string =>
  [...agents, ...groups.map((group) => `group ${group}`)].join(', ');

/** @throws CliError if there is none; UsageError if several organizations have a chat with this id */
const findConversation = async (id: string, organization: string | undefined): Promise<ConversationDetail> => {
  const [found, another] = await findConversations(id, await chooseOrganizations(organization));
  if (!found) throw new CliError(`Conversation ${id} not found. See \`livechat conversations list\`.`);
  if (another) throw new UsageError(`More than one organization has a conversation ${id}: pass --organization.`);
  return found;
};

/** Shows one conversation with its messages and their timelines. */
export const showConversation = async (chat: string, { organization, limit, json }: ShowOptions): Promise<void> => {
  const conversation = await findConversation(chat, organization);
  const transcript = await withSpinner('Reading messages', () => loadTranscript(conversation, { limit }));
  if (json) printJson({ ok: true, conversation, ...transcript });
  else printConversation(conversation, transcript);
};

type TranscriptEntry = LoadedTranscript['messages'][number] & { readonly isNote?: boolean };

const printConversation = (conversation: ConversationDetail, { messages, notes, pending, next }: LoadedTranscript) => {
  const { id, organizationId, status, lastActivityAt, participants, threads } = conversation;
  print(`${colours.bold(id)}  ${status}, last activity ${lastActivityAt}, organization ${organizationId}`);
  printTable(
    participants.map((one) => ({
      type: one.type,
      name: printable(one.name ?? ''),
      id: printable(one.id),
      'e-mail': printable(one.email ?? ''),
      'read up to': one.seenUpTo,
    })),
  );
  const names = new Map(participants.map(({ id: user, name }) => [user, name ?? user]));
  const entries: TranscriptEntry[] = [...messages, ...notes.map((note) => ({ ...note, isNote: true }))];
  const sorted = entries.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  for (const [index, entry] of sorted.entries()) {
    if (entry.threadId !== sorted[index - 1]?.threadId) {
      const thread = threads.find((one) => one.id === entry.threadId);
      print(`\n${colours.bold(`Thread ${entry.threadId}`)}  ${thread?.status ?? ''}`);
    }
    printEntry(entry, names);
  }
  if (pending.length > 0) print(`\n${colours.bold(`Not confirmed by ${channelName(organizationId)}`)}`);
  for (const delivery of pending) printDelivery(delivery);
  if (next !== undefined) print(colours.dim('\nThere are more: raise --limit.'));
};

const printEntry = (entry: TranscriptEntry, names: ReadonlyMap<string, string>): void => {
  const { timestamp, author, id, edited, delivery, isNote } = entry;
  const name = author.type === 'system' ? 'system' : `${names.get(author.id) ?? author.id} (${author.type})`;
  const marks = [...(isNote ? ['[note]'] : []), ...(edited ? ['[edited]'] : [])];
  print([timestamp.slice(0, 19), colours.bold(printable(name)), ...marks, colours.dim(id)].join('  '));
  for (const line of formatContent(entry).split('\n')) print(`    ${line}`);
  if (delivery) printDelivery(delivery);
  printTimes(entry);
};

const formatContent = ({ deleted, content, type }: TranscriptEntry): string => {
  if (deleted) return colours.dim('(deleted)');
  const text = printable(typeof content === 'string' ? content : JSON.stringify(content ?? ''));
  return type === 'text' ? text : `${colours.dim(`${type}:`)} ${text}`;
};

type TimelineStep = readonly [label: string, at: string | undefined];

const printTimes = ({ receivedAt, storedAt, seen, editedAt, deletedAt }: TranscriptEntry): void => {
  const steps: TimelineStep[] = [
    ['received', receivedAt],
    ['stored', storedAt],
    ['seen', seen?.at],
    ['edited', editedAt],
    ['deleted', deletedAt],
  ];
  const known = steps.flatMap(([label, at]) => (at === undefined ? [] : [`${label} ${at}`]));
  if (known.length > 0) print(colours.dim(`      ${known.join(', ')}`));
};

const printDelivery = (delivery: DeliveryView): void => {
  const { status, failedCalls, redrive, lastError, id } = delivery;
  const summary = [
    status,
    ...(failedCalls > 0 ? [`${failedCalls} failed calls`] : []),
    ...(redrive > 0 ? [`redrive ${redrive}`] : []),
    ...(lastError ? [`last error ${lastError}`] : []),
  ];
  print(`    ${colours.cyan(`${summary.join(', ')} (${id})`)}`);
  for (const [label, at] of deliveryTimeline(delivery)) {
    if (at !== undefined) print(colours.dim(`      ${at}  ${label}`));
  }
};

const deliveryTimeline = ({ attempts, omittedAttempts = 0, ...delivery }: DeliveryView): TimelineStep[] => {
  const { redrive, deadLetterId } = delivery;
  const requestRedrive = (number: number, at: string | undefined): TimelineStep => [`redrive ${number} requested`, at];
  return [
    ['requested', delivery.requestedAt],
    ...attempts.flatMap((one, index): TimelineStep[] => [
      ...(one.redrive > (attempts[index - 1]?.redrive ?? 0) ? [requestRedrive(one.redrive, one.redrivenAt)] : []),
      [`attempt ${omittedAttempts + index + 1} ${formatOutcome(one)}`, one.startedAt],
    ]),
    ...(redrive > (attempts.at(-1)?.redrive ?? 0) ? [requestRedrive(redrive, delivery.redrivenAt)] : []),
    ['sent', delivery.sentAt],
    ['delivered', delivery.deliveredAt],
    [`failed${deadLetterId ? `, dead letter ${deadLetterId}` : ''}`, delivery.failedAt],
  ];
};

const formatOutcome = ({ outcome, error, cause }: AttemptView): string =>
  error ? `${outcome}: ${error}${cause ? ` (${printable(cause)})` : ''}` : outcome;

/** Erases one customer's data after showing it. */
export const eraseCustomer = async (chat: string | undefined, options: EraseOptions): Promise<void> => {
  const target = await findTarget(chat, options);
  const stored = await withSpinner('Finding stored data', () => findStoredData(target));
  if (isEmpty(stored)) throw new CliError(`No data is stored for ${chat ?? options.customer}.`);
  if (!options.json) printStoredData(stored);
  const { organizationId, conversationIds } = stored;
  const result = {
    organizationId,
    conversationIds,
    erased: countItems(stored),
    notErased: notErased(channelName(organizationId)),
  };
  if (options.dryRun) {
    if (options.json) printJson({ ok: true, dryRun: true, ...result });
    else print('\nNothing was erased.');
    return;
  }
  if (stored.runningExecutions.length > 0) {
    throw new CliError(
      `Nothing was erased: ${stored.runningExecutions.length} executions are sending into these chats and would store data again. Retry after they have ended.`,
    );
  }
  if (stored.queuedDeadLetters > 0) {
    throw new CliError(
      `Nothing was erased: ${stored.queuedDeadLetters} dead letters are not archived yet and could belong to these chats. Archiving takes seconds: retry. If the number stays the same, run livechat doctor.`,
    );
  }
  await confirm('Erase this data permanently?', options);
  const steps = stored.items.length + stored.media.length + stored.largeEvents.length;
  await withProgress('Erasing', steps, ({ step }) => erase(stored, target, step));
  if (options.json) printJson({ ok: true, ...result });
  else print(colours.green('Erased.'));
};

const findTarget = async (
  chat: string | undefined,
  { customer, organization }: EraseOptions,
): Promise<ErasureTarget> => {
  if (chat === undefined) {
    const organizationId = await chooseOrganization(organization);
    return { organizationId, customers: customer === undefined ? [] : [customer] };
  }
  const { id: conversationId, organizationId } = await findConversation(chat, organization);
  // As stored, because an interrupted erasure may have deleted events already.
  const { participants } = await readProjection({ organizationId, conversationId });
  const customers = participants.flatMap(({ type, id }) => (type === 'customer' ? [id] : []));
  return { organizationId, conversationId, customers };
};

const notErased = (channel: string) => [
  `${channel}: the chat still exists there; erase it in ${channel}`,
  'the event archive and its replays, until they expire',
  'executions of the state machine: AWS keeps their input for 90 days',
  'dead letters in the quarantine queue, for up to 14 days',
  'files to send whose key contains neither the id of the conversation nor of the customer',
  'backups of the tables, until they expire',
  'logs: they contain ids but no message text',
];

const itemNames: Readonly<Record<string, string>> = {
  conversation: 'conversations',
  event: 'chat events',
  readMark: 'read marks',
  routing: 'routing states',
  decision: 'routing decisions',
  message: 'messages and notes',
  buttonClick: 'button clicks',
  delivery: 'deliveries',
  deadLetter: 'dead letters',
  messageGroup: 'message groups',
};

const countItems = ({ items, media, largeEvents }: StoredData): Readonly<Record<string, number>> => {
  const names = items.map(({ entity }) => itemNames[entity] ?? entity);
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (media.length > 0) counts.set('files', media.length);
  if (largeEvents.length > 0) counts.set('large events', largeEvents.length);
  return Object.fromEntries(counts);
};

const printStoredData = (stored: StoredData): void => {
  for (const { id, name, email } of stored.customers) {
    const parts = [colours.bold(printable(name ?? 'customer')), printable(email ?? ''), colours.dim(id)];
    print(parts.filter(Boolean).join('  '));
  }
  print(`in ${stored.conversationIds.join(', ')}\n`);
  printTable(Object.entries(countItems(stored)).map(([data, count]) => ({ data, count })));
  print(`\n${colours.bold('Not erased')}`);
  for (const one of notErased(channelName(stored.organizationId))) print(`  ${one}`);
};
