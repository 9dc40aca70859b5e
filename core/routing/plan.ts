import type { EventData } from '../events/catalogue.ts';
import { priorities } from '../events/schemas.ts';
import type { Rule, Target } from './rules.ts';

export type Decision = EventData<'conversation.routed'>;
export type ActionResult = Decision['actions'][number];

/** What is to be done for a rule. */
export type PlannedAction = { readonly rule: string } & (
  | { readonly action: 'tag'; readonly tag: string }
  | { readonly action: 'priority'; readonly priority: (typeof priorities)[number] }
  | { readonly action: 'answer' | 'note'; readonly text: string }
  | { readonly action: 'transfer'; readonly targets: readonly Target[] }
);

/**
 * What the matching rules ask for, in the order in which it is done: the transfer comes last, since who answers a
 * customer must be in the chat, and a transfer takes them out of it. The targets of several rules are tried one after the other; of
 * several priorities the highest.
 */
export function planActions(matched: readonly Rule[]): PlannedAction[] {
  const tags = new Set<string>();
  const tagging = matched.flatMap(({ name: rule, do: { tag = [] } }) =>
    tag.flatMap((one): PlannedAction[] => {
      if (tags.has(one)) return [];
      tags.add(one);
      return [{ rule, action: 'tag', tag: one }];
    }),
  );
  const speaking = (action: 'answer' | 'note') =>
    matched.flatMap(({ name: rule, do: actions }): PlannedAction[] => {
      const text = actions[action];
      return text === undefined ? [] : [{ rule, action, text }];
    });
  return [...tagging, ...urgency(matched), ...speaking('answer'), ...speaking('note'), ...handover(matched)];
}

function urgency(matched: readonly Rule[]): PlannedAction[] {
  const steps = matched.flatMap(({ name: rule, do: { priority } }) =>
    priority === undefined ? [] : [{ rule, action: 'priority', priority } as const],
  );
  const highest = Math.max(...steps.map(({ priority }) => priorities.indexOf(priority)));
  return steps.filter(({ priority }) => priorities.indexOf(priority) === highest).slice(0, 1);
}

function handover(matched: readonly Rule[]): PlannedAction[] {
  return matched.flatMap(({ name: rule, do: { transfer } }): PlannedAction[] =>
    transfer === undefined ? [] : [{ rule, action: 'transfer', targets: transfer }],
  );
}
