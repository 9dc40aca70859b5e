import conditionParser from 'dynalite/db/conditionParser.js';
import updateParser from 'dynalite/db/updateParser.js';

type Names = Record<string, unknown>;

/** What dynalite's parsers work with; they take what they have met out of the two `unused`. */
export interface ParserContext {
  readonly attrNames?: Readonly<Record<string, string>>;
  readonly attrVals?: Readonly<Record<string, object>>;
  readonly unusedAttrNames: Names;
  readonly unusedAttrVals: Names;
}

/** Answers a tree, in which the request's values stand as they are, or text that says what is wrong. */
export type Parse = (expression: string, options: { readonly context: ParserContext }) => unknown;

interface Parsed {
  readonly tree: object;
  /** The names of the values that the tree was made with. */
  readonly values: ReadonlyMap<object, string>;
  readonly metNames: readonly string[];
  readonly metValues: readonly string[];
}

/** Far more than the app has expressions. */
const mostKept = 1_000;
/** Only these ask for more of a value than its type. */
const asksForValues = /between|attribute_type/i;

/**
 * dynalite's parsers try each bracket several times over, and take up to 10 ms for the conditions that ElectroDB writes.
 * What an expression means is a matter of its text, the names, and the types of the values: so each is parsed once, and
 * its tree is given back with the values of the request at hand.
 */
export function rememberExpressions(): void {
  for (const parser of [conditionParser, updateParser]) parser.parse = remembering(parser.parse);
}

export function remembering(parse: Parse): Parse {
  const kept = new Map<string, Parsed>();

  function parseAnew(expression: string, context: ParserContext): Parsed | undefined {
    const { attrNames = {}, attrVals = {} } = context;
    const unusedAttrNames: Names = { ...attrNames };
    const unusedAttrVals: Names = { ...attrVals };
    const tree = parse(expression, { context: { ...context, unusedAttrNames, unusedAttrVals } });
    if (typeof tree !== 'object' || tree === null) return undefined;
    return {
      tree,
      values: new Map(Object.entries(attrVals).map(([name, value]) => [value, name])),
      metNames: Object.keys(attrNames).filter((name) => !(name in unusedAttrNames)),
      metValues: Object.keys(attrVals).filter((name) => !(name in unusedAttrVals)),
    };
  }

  function keep(key: string, fresh: Parsed | undefined): Parsed | undefined {
    if (!fresh) return undefined;
    if (kept.size >= mostKept) kept.clear();
    kept.set(key, fresh);
    return fresh;
  }

  return (expression, { context }) => {
    if (asksForValues.test(expression)) return parse(expression, { context });
    const key = keyOf(expression, context);
    const found = kept.get(key) ?? keep(key, parseAnew(expression, context));
    // What does not parse is dynalite's to tell, and is not asked often.
    if (!found) return parse(expression, { context });
    for (const name of found.metNames) delete context.unusedAttrNames[name];
    for (const name of found.metValues) delete context.unusedAttrVals[name];
    return withValues(found.tree, found.values, context.attrVals ?? {});
  };
}

function keyOf(expression: string, { attrNames = {}, attrVals = {} }: ParserContext): string {
  const types = Object.entries(attrVals).map(([name, value]) => `${name} ${Object.keys(value)}`);
  return JSON.stringify([expression, attrNames, types]);
}

/** A copy of the tree, with the values of the same names in place of those that it was made with. */
function withValues(
  node: unknown,
  names: ReadonlyMap<object, string>,
  values: Readonly<Record<string, object>>,
): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const name = names.get(node);
  if (name !== undefined) return values[name];
  if (Array.isArray(node)) return node.map((one) => withValues(one, names, values));
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(node));
  for (const [field, one] of Object.entries(node)) copy[field] = withValues(one, names, values);
  return copy;
}
