import * as z from 'zod/mini';

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const conditions = z.record(z.string(), z.record(z.string(), oneOrMore));
const statement = z.looseObject({
  Effect: z.string(),
  Principal: z.optional(z.union([z.string(), z.record(z.string(), oneOrMore)])),
  Action: z.optional(oneOrMore),
  Condition: z.optional(conditions),
});
const policySchema = z.looseObject({
  Statement: z.union([
    z.array(statement),
    z.pipe(
      statement,
      z.transform((one) => [one]),
    ),
  ]),
});

type Statement = z.infer<typeof statement>;

const listed = (one: string | readonly string[] | undefined): readonly string[] => [one ?? []].flat();

/** As IAM compares: `*` is any text, `?` any letter. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u').test(text);
}

function isForEventBridge({ Principal, Action }: Statement): boolean {
  const services = typeof Principal === 'string' ? [Principal] : [Principal?.Service, Principal?.AWS].flatMap(listed);
  const sends = listed(Action).some((action) => matches(action.toLowerCase(), 'sqs:sendmessage'));
  return sends && services.some((one) => one === '*' || one === 'events.amazonaws.com');
}

/** Conditions on anything but the source are taken to hold: what they are about is not known here. */
function holdsFor(ruleArn: string, { Condition = {} }: Statement): boolean {
  return Object.values(Condition).every((keys) =>
    Object.entries(keys).every(
      ([key, patterns]) =>
        key.toLowerCase() !== 'aws:sourcearn' || listed(patterns).some((pattern) => matches(pattern, ruleArn)),
    ),
  );
}

/** Whether a queue's policy, as JSON, lets EventBridge put in what a rule's target did not take. */
export function letsIn(policy: string | undefined, ruleArn: string): boolean {
  if (policy === undefined) return false;
  return policySchema
    .parse(JSON.parse(policy))
    .Statement.some((one) => one.Effect === 'Allow' && isForEventBridge(one) && holdsFor(ruleArn, one));
}
