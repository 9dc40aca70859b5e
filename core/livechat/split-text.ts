/** Maximum UTF-8 bytes of a message's text. Source: reference of `send_event`, 16 KB. */
const maxBytes = 16 * 1024;
const maxCodePointBytes = 4;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Splits a text into parts of at most `bytes` UTF-8 bytes (minimum 4). Joined, the parts are the text; none is empty. Splits
 * at white space if possible, else between grapheme clusters, else (in a cluster over `bytes` bytes) between code points.
 */
export function splitText(text: string, bytes = maxBytes): string[] {
  if (bytes < maxCodePointBytes)
    throw new RangeError('the limit must be at least 4 bytes, the longest UTF-8 character');
  const parts: string[] = [];
  let rest = text;
  while (Buffer.byteLength(rest) > bytes) {
    const end = partEnd(rest, bytes);
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...parts, rest];
}

function partEnd(text: string, bytes: number): number {
  const longest = fittingLength(text, bytes);
  const end = /\s/.test(text.charAt(longest)) ? longest : (afterLastSpace(text.slice(0, longest)) ?? longest);
  return graphemeStart(text, end) || end;
}

/** The number of UTF-16 units that fit, in whole code points. */
function fittingLength(text: string, bytes: number): number {
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

/** The start of the grapheme cluster at `index`, so that accents, skin tones and flags are not split. */
function graphemeStart(text: string, index: number): number {
  return graphemes.segment(text).containing(index)?.index ?? index;
}
