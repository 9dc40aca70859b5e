import type * as z from 'zod/mini';
import { BadField } from './errors.ts';
import { type AgentAction, actionRequests, actor, type CustomerAction, type RouterAction } from './requests.ts';

/** The first thing wrong with a body, as its field and what should stand there. */
const toBadField = ({ issues }: z.core.$ZodError): BadField => {
  const [issue] = issues;
  if (issue === undefined) return new BadField('body', 'another shape');
  if (issue.code === 'unrecognized_keys') {
    return new BadField([...issue.path, issue.keys[0] ?? ''].join('.'), 'nothing: there is no such field here');
  }
  return new BadField(issue.path.join('.') || 'body', issue.message);
};

/** @throws BadField */
export const parse = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw toBadField(parsed.error);
  return parsed.data;
};

export type Action =
  | { readonly as: 'customer'; readonly request: CustomerAction }
  | { readonly as: 'agent'; readonly request: AgentAction }
  | { readonly as: 'router'; readonly request: RouterAction };

/** @throws BadField */
export const parseAction = (body: unknown): Action => {
  const { as, ...rest } = parse(actor, body);
  if (as === 'customer') return { as, request: parse(actionRequests.customer, rest) };
  if (as === 'agent') return { as, request: parse(actionRequests.agent, rest) };
  return { as, request: parse(actionRequests.router, rest) };
};
