declare global {
  // Not in TypeScript's library yet: https://github.com/tc39/proposal-json-parse-with-source
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** Parses JSON. Undefined if the text is not JSON: the error of `JSON.parse` quotes the text, which may be content. */
export function parseJson(json: string | null | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
}

const mayHaveInvalidCharacter = /[\uFFFE\uFFFF]|\\uFFF[EF]/i;

/**
 * Replaces U+FFFE and U+FFFF in JSON with the replacement character. SQS rejects a message that contains them, so a dead letter
 * or an event for the queue of a subscriber would be lost.
 */
export function replaceCharactersInvalidInSqs(json: string): string {
  if (!mayHaveInvalidCharacter.test(json)) return json;
  // The first alternative skips escapes of one character: after an escaped backslash, `uFFFF` is text.
  return json.replace(/\\[^u]|[\uFFFE\uFFFF]|\\uFFF[EF]/gi, (found) => (/^\\[^u]/i.test(found) ? found : '\uFFFD'));
}

/** Limits the depth of recursion, to prevent a stack overflow. LiveChat's payloads have far fewer levels. */
export const maxNesting = 100;
const tooDeep = JSON.stringify(`[removed: nested more than ${maxNesting} levels deep]`);

const levelChanges: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };

/** Replaces lists and objects of a JSON text that are nested deeper than {@link maxNesting} levels with a placeholder. */
export function limitNesting(json: string): string {
  let kept = '';
  let keptUntil = 0;
  let depth = 0;
  let isInString = false;
  // The first alternative skips an escaped quotation mark.
  for (const { 0: token, index } of json.matchAll(/\\.|["[\]{}]/gs)) {
    if (token === '"') isInString = !isInString;
    const change = isInString ? 0 : (levelChanges[token] ?? 0);
    if (change > 0 && depth === maxNesting) kept += `${json.slice(keptUntil, index)}${tooDeep}`;
    if (change < 0 && depth === maxNesting + 1) keptUntil = index + 1;
    depth += change;
  }
  // With unbalanced brackets, the text is not JSON.
  return depth > maxNesting ? json : kept + json.slice(keptUntil);
}

/**
 * As {@link parseJson}, but a number that JavaScript does not represent exactly, such as a snowflake id, becomes an object that
 * `JSON.stringify` writes with its digits. Removes the properties that allow prototype pollution: `__proto__`, and `constructor`
 * with a `prototype`. Applies {@link limitNesting} and {@link replaceCharactersInvalidInSqs}.
 */
export function parseJsonExactly(json: string | null | undefined): unknown {
  const limited = limitNesting(replaceCharactersInvalidInSqs(json ?? ''));
  if (!(mayLoseDigits.test(limited) || mayReplacePrototype(limited))) return parseJson(limited);
  try {
    return JSON.parse(limited, (key, value, { source = '' }) => {
      if (replacesPrototype(key, value)) return undefined;
      return typeof value === 'number' && !isExact(source, value) ? JSON.rawJSON(source) : value;
    });
  } catch {
    return undefined;
  }
}

/** Whether the text may contain a property that {@link parseJsonExactly} removes. Characters of its name can be escaped. */
export const mayReplacePrototype = (json: string): boolean => /__proto__|"constructor"|\\u00(?:5f|6|7)/i.test(json);

function replacesPrototype(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

/** A double represents every number of up to 15 digits with a small exponent. Also matches texts, which are then compared. */
const mayLoseDigits = /[\d.]{16}|\de[+-]?\d{2}/i;

/** Whether both are the same decimal number. */
function isExact(source: string, value: number): boolean {
  return Number.isFinite(value) && digitsOf(source) === digitsOf(String(value));
}

/** Significant digits and exponent: equal for equal decimal numbers. */
function digitsOf(number: string): string {
  const [mantissa = '', exponent = '0'] = number.toLowerCase().replace(/^-/, '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** Whether a value contains a number that {@link parseJsonExactly} kept. */
export function hasExactNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return JSON.isRawJSON(value) || Object.values(value).some(hasExactNumber);
}
