import type { ConversationDetail } from '../../core/conversations/queries.ts';
import type { StoredMessage } from '../../core/messages/queries.ts';
import { type LoadedTranscript, loadTranscript } from '../../core/outbound/transcript.ts';
import type { DeliveryView, Seen, TryView } from '../../core/outbound/view.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { theConversation } from './find.ts';
import type { ShowOptions } from './options.ts';

type Shown = StoredMessage & { readonly delivery?: DeliveryView; readonly seen?: Seen; readonly isNote?: boolean };

const wordsOf = ({ status, attempts, redrive, lastError, id }: DeliveryView): string => {
  const story = [
    status,
    ...(attempts > 0 ? [`${attempts} failed calls`] : []),
    ...(redrive > 0 ? [`redrive ${redrive}`] : []),
    ...(lastError ? [`last error ${lastError}`] : []),
  ];
  return `${story.join(', ')} (${id})`;
};

const endOf = ({ outcome, error, cause }: TryView): string =>
  error ? `${outcome}: ${error}${cause ? ` (${printable(cause)})` : ''}` : outcome;

type Step = readonly [what: string, at: string | undefined];

/** The steps of a sending, for a person. */
const sendingOf = (delivery: DeliveryView): Step[] => {
  const { requestedAt, redrivenAt, redrive, tries, untold = 0, sentAt, deliveredAt, failedAt, deadLetterId } = delivery;
  const asked = (number: number, at: string | undefined): Step => [`redrive ${number} asked for`, at];
  return [
    ['requested', requestedAt],
    ...tries.flatMap((one, place): Step[] => [
      ...(one.redrive > (tries[place - 1]?.redrive ?? 0) ? [asked(one.redrive, one.redrivenAt)] : []),
      [`attempt ${untold + place + 1} ${endOf(one)}`, one.began],
    ]),
    ...(redrive > (tries.at(-1)?.redrive ?? 0) ? [asked(redrive, redrivenAt)] : []),
    ['sent', sentAt],
    ['delivered', deliveredAt],
    [`given up${deadLetterId ? `, dead letter ${deadLetterId}` : ''}`, failedAt],
  ];
};

/** Steps whose time is not known are left out. */
const printSending = (delivery: DeliveryView): void => {
  print(`    ${colours.cyan(wordsOf(delivery))}`);
  for (const [what, at] of sendingOf(delivery)) if (at !== undefined) print(colours.dim(`      ${at}  ${what}`));
};

const printTimes = ({ receivedAt, storedAt, seen, editedAt, deletedAt }: Shown): void => {
  const steps: Step[] = [
    ['received', receivedAt],
    ['stored', storedAt],
    ['seen', seen?.at],
    ['edited', editedAt],
    ['deleted', deletedAt],
  ];
  const known = steps.flatMap(([what, at]) => (at === undefined ? [] : [`${what} ${at}`]));
  if (known.length > 0) print(colours.dim(`      ${known.join(', ')}`));
};

const saidIn = ({ deleted, content, type }: Shown): string => {
  if (deleted) return colours.dim('(deleted)');
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? '');
  return type === 'text' ? printable(text) : `${colours.dim(`${type}:`)} ${printable(text)}`;
};

const printMessage = (message: Shown, nameOf: (id: string) => string): void => {
  const { timestamp, author, id, edited, delivery, isNote } = message;
  const who = author.type === 'system' ? 'system' : `${printable(nameOf(author.id))} (${author.type})`;
  const marks = [...(isNote ? ['note'] : []), ...(edited ? ['edited'] : [])].map((mark) => `[${mark}]`);
  print([timestamp.slice(0, 19), colours.bold(who), ...marks, colours.dim(id)].join('  '));
  for (const line of saidIn(message).split('\n')) print(`    ${line}`);
  if (delivery) printSending(delivery);
  printTimes(message);
};

const printConversation = (conversation: ConversationDetail, { messages, notes, pending, next }: LoadedTranscript) => {
  const { id, organizationId, status, lastActivityAt, participants, threads } = conversation;
  print(`${colours.bold(id)}  ${status}, last activity ${lastActivityAt}, organization ${organizationId}`);
  printTable(
    ['who', 'name', 'id', 'e-mail', 'has read to'],
    participants.map((one) => [
      one.type,
      printable(one.name ?? ''),
      printable(one.id),
      printable(one.email ?? ''),
      one.seenUpTo,
    ]),
  );
  const names = new Map(participants.map(({ id: user, name }) => [user, name ?? user]));
  const nameOf = (user: string) => names.get(user) ?? user;
  const all: Shown[] = [...messages, ...notes.map((note) => ({ ...note, isNote: true }))];
  const inOrder = all.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  for (const [place, message] of inOrder.entries()) {
    if (message.threadId !== inOrder[place - 1]?.threadId) {
      const thread = threads.find((one) => one.id === message.threadId);
      print(`\n${colours.bold(`Thread ${message.threadId}`)}  ${thread?.status ?? ''}`);
    }
    printMessage(message, nameOf);
  }
  if (pending.length > 0) print(`\n${colours.bold('Not shown by LiveChat yet')}`);
  for (const delivery of pending) printSending(delivery);
  if (next !== undefined) print(colours.dim('\nThere are more: --limit shows them.'));
};

/** The whole story of one conversation. */
export const show = async (id: string, { organization, limit, json }: ShowOptions): Promise<void> => {
  const conversation = await theConversation(id, organization);
  const transcript = await loadTranscript(conversation, { limit });
  if (json) printJson({ ok: true, conversation, ...transcript });
  else printConversation(conversation, transcript);
};
