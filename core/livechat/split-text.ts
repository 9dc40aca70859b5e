/** The most bytes (UTF-8) of one message's text. Source: the reference of `send_event`, 16 KB. */
const mostBytes = 16 * 1024;
const longestCodePoint = 4;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The text in as few parts as its words allow, each of at most `bytes` bytes in UTF-8 (4 or more). The parts joined are
 * the text, and none is empty. They end after white space or before it, else between characters, and only in a character
 * of more than `bytes` bytes between its code points.
 */
export function splitText(text: string, bytes = mostBytes): string[] {
  if (bytes < longestCodePoint) throw new RangeError('a part must hold any character: 4 bytes or more');
  const parts: string[] = [];
  let rest = text;
  while (Buffer.byteLength(rest) > bytes) {
    const end = endOfPart(rest, bytes);
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...parts, rest];
}

function endOfPart(text: string, bytes: number): number {
  const longest = fitting(text, bytes);
  const end = /\s/.test(text.charAt(longest)) ? longest : (afterLastSpace(text.slice(0, longest)) ?? longest);
  return startOfCharacter(text, end) || end;
}

/** How many UTF-16 units fit, in whole code points. */
function fitting(text: string, bytes: number): number {
  let size = 0;
  let end = 0;
  for (const codePoint of text) {
    size += Buffer.byteLength(codePoint);
    if (size > bytes) break;
    end += codePoint.length;
  }
  return end;
}

function afterLastSpace(text: string): number | undefined {
  return /^.*\s/s.exec(text)?.[0].length;
}

/** Where the character that `index` falls into begins: an accent, a skin tone or a flag's other half stays with it. */
function startOfCharacter(text: string, index: number): number {
  return graphemes.segment(text).containing(index)?.index ?? index;
}
