import type { ConversationDetail } from '../../core/conversations/queries.ts';
import type { StoredMessage } from '../../core/messages/queries.ts';
import { type LoadedTranscript, loadTranscript } from '../../core/outbound/transcript.ts';
import type { DeliveryView } from '../../core/outbound/view.ts';
import { colours, print, printable, printJson, printTable } from '../output.ts';
import { theConversation } from './find.ts';
import type { ShowOptions } from './options.ts';

type Shown = StoredMessage & { readonly delivery?: DeliveryView; readonly isNote?: boolean };

const wordsOf = ({ status, attempts, redrive, lastError, id }: DeliveryView): string => {
  const story = [
    status,
    ...(attempts > 0 ? [`${attempts} failed calls`] : []),
    ...(redrive > 0 ? [`redrive ${redrive}`] : []),
    ...(lastError ? [`last error ${lastError}`] : []),
  ];
  return `${story.join(', ')} (${id})`;
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
  if (delivery) print(`    ${colours.cyan(wordsOf(delivery))}`);
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
  for (const delivery of pending) print(`    ${colours.cyan(wordsOf(delivery))}`);
  if (next !== undefined) print(colours.dim('\nThere are more: --limit shows them.'));
};

/** The whole story of one conversation. */
export const show = async (id: string, { organization, limit, json }: ShowOptions): Promise<void> => {
  const conversation = await theConversation(id, organization);
  const transcript = await loadTranscript(conversation, { limit });
  if (json) printJson({ ok: true, conversation, ...transcript });
  else printConversation(conversation, transcript);
};
