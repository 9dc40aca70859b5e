import type { Archived } from '../../core/outbound/dead-letters/store.ts';
import { printable, printTable } from '../output.ts';

const aboutOf = ({ conversationId, requestId }: Archived): string =>
  [conversationId && `chat ${conversationId}`, requestId && `request ${requestId}`].filter(Boolean).join(', ');

export const printLetters = (letters: readonly Archived[]): void =>
  printTable(
    ['id', 'kept', 'kind', 'error', 'redrives', 'about'],
    letters.map((letter) => [
      letter.id,
      letter.createdAt.slice(0, 19),
      letter.kind,
      printable(letter.errorName),
      letter.redrives,
      printable(aboutOf(letter)),
    ]),
  );
