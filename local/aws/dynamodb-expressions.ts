import conditionParser from 'dynalite/db/conditionParser.js';
import projectionParser from 'dynalite/db/projectionParser.js';
import updateParser from 'dynalite/db/updateParser.js';
import { isRecord } from './protocol.ts';

type Names = Record<string, unknown>;

/** The input of dynalite's parsers. They delete the names and values that an expression uses from the two `unused` records. */
export interface ParserContext {
  readonly attrNames?: Readonly<Record<string, string>>;
  readonly attrVals?: Readonly<Record<string, object>>;
  readonly unusedAttrNames: Names;
  readonly unusedAttrVals: Names;
}

/** Returns a syntax tree that contains the request's values by reference, or an error text. */
export type Parse = (expression: string, options: { readonly context: ParserContext }) => unknown;

interface CachedExpression {
  readonly tree: object;
  /** The name of each value in the tree. */
  readonly values: ReadonlyMap<object, string>;
  readonly usedNames: readonly string[];
  readonly usedValues: readonly string[];
}

/** The parse result of these operators depends on the value, not only on its type. */
const needsValues = /between|attribute_type/i;

/**
 * Adds DynamoDB's limits and a cache to dynalite's parsers. The parsers backtrack and take up to 10 ms for ElectroDB's
 * conditions. The text, the names and the types of the values determine the tree, so each expression is parsed once and later
 * requests get a copy with their own values.
 */
export function prepareParsers(): void {
  for (const parser of [conditionParser, updateParser]) parser.parse = memoizeParser(limitParser(parser.parse));
  projectionParser.parse = limitParser(projectionParser.parse);
}

const maxExpressionBytes = 4_096;
const maxOperators = 300;
const maxOperandsOfIn = 100;

/** dynalite responds with the message of an error, after the name of the parameter. */
function limitParser(parse: Parse): Parse {
  return (expression, options) => {
    const size = Buffer.byteLength(expression);
    if (size > maxExpressionBytes) {
      throw new Error(`Expression size has exceeded the maximum allowed size; expression size: ${size}`);
    }
    const tree = parse(expression, options);
    const operators = countOperators(tree);
    if (operators > maxOperators) {
      throw new Error(`The expression contains too many operators; operator count: ${operators}`);
    }
    return tree;
  };
}

/** Operators and functions are the nodes with arguments. */
function countOperators(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  const inner = Object.values(node).reduce((sum: number, one) => sum + countOperators(one), 0);
  if (!isRecord(node) || !Array.isArray(node.args)) return inner;
  const operands = node.args.length - 1;
  if (node.type === 'in' && operands > maxOperandsOfIn) {
    throw new Error(`The IN operator is provided with too many operands; number of operands: ${operands}`);
  }
  return inner + 1;
}

/** The bridge has a few hundred expressions. A subscriber may put ids into its own. */
const maxCached = 2_000;

export function memoizeParser(parse: Parse): Parse {
  const cache = new Map<string, CachedExpression>();

  function parseExpression(expression: string, context: ParserContext): CachedExpression | undefined {
    const { attrNames = {}, attrVals = {} } = context;
    const unusedAttrNames: Names = { ...attrNames };
    const unusedAttrVals: Names = { ...attrVals };
    const tree = parse(expression, { context: { ...context, unusedAttrNames, unusedAttrVals } });
    if (typeof tree !== 'object' || tree === null) return undefined;
    return {
      tree,
      values: new Map(Object.entries(attrVals).map(([name, value]) => [value, name])),
      usedNames: Object.keys(attrNames).filter((name) => !(name in unusedAttrNames)),
      usedValues: Object.keys(attrVals).filter((name) => !(name in unusedAttrVals)),
    };
  }

  /** Adds to the cache, and deletes the least recently used expression above the limit. */
  function cacheExpression(key: string, found: CachedExpression): void {
    cache.delete(key);
    cache.set(key, found);
    const [leastRecentlyUsed] = cache.keys();
    if (cache.size > maxCached && leastRecentlyUsed !== undefined) cache.delete(leastRecentlyUsed);
  }

  return (expression, { context }) => {
    if (needsValues.test(expression)) return parse(expression, { context });
    const key = cacheKey(expression, context);
    const found = cache.get(key) ?? parseExpression(expression, context);
    // dynalite reports the syntax error.
    if (!found) return parse(expression, { context });
    cacheExpression(key, found);
    for (const name of found.usedNames) delete context.unusedAttrNames[name];
    for (const name of found.usedValues) delete context.unusedAttrVals[name];
    return substituteValues(found.tree, found.values, context.attrVals ?? {});
  };
}

function cacheKey(expression: string, { attrNames = {}, attrVals = {} }: ParserContext): string {
  const types = Object.entries(attrVals).map(([name, value]) => `${name} ${Object.keys(value)}`);
  return JSON.stringify([expression, attrNames, types]);
}

/** Copies the tree and replaces its values with the current values of the same names. */
function substituteValues(
  node: unknown,
  names: ReadonlyMap<object, string>,
  values: Readonly<Record<string, object>>,
): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const name = names.get(node);
  if (name !== undefined) return values[name];
  if (Array.isArray(node)) return node.map((one) => substituteValues(one, names, values));
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(node));
  for (const [field, one] of Object.entries(node)) copy[field] = substituteValues(one, names, values);
  return copy;
}
