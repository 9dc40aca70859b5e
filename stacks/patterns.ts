// Event patterns of the rules in topology.ts.

/** An EventBridge event pattern. */
export interface Pattern {
  /** EventBridge adds this field to an event that is replayed from the archive. */
  readonly 'replay-name'?: readonly unknown[];
  readonly source?: readonly unknown[];
  readonly 'detail-type'?: readonly unknown[];
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * Excludes replayed events from targets with external effects. Targets that only write state are idempotent and receive
 * replays.
 */
export const notReplayed = { 'replay-name': [{ exists: false }] } as const;

/** Excludes the events that reconciliation publishes: what they describe happened some time ago. */
export const notRecovered = { metadata: { recovered: [{ exists: false }] } } as const;

/** Limits a rule to events of these resources of the stage. {@link resolvePattern} adds them to its pattern. */
export interface RuleSources {
  /** The name of a state machine. */
  readonly sourceStateMachine?: string;
  readonly sourceAlarms?: readonly string[];
}

/** The names of the resources that limit a rule. They differ between stages. */
export interface SourceNames<Arn> {
  readonly stateMachineArn: (name: string) => Arn;
  readonly alarmName: (name: string) => string;
}

/** The pattern of a rule, including the names of its sources. */
export function resolvePattern<Arn>(
  { pattern, sourceStateMachine, sourceAlarms }: RuleSources & { readonly pattern: Pattern },
  { stateMachineArn, alarmName }: SourceNames<Arn>,
) {
  if (!sourceStateMachine && !sourceAlarms) return pattern;
  const detail = {
    ...pattern.detail,
    ...(sourceStateMachine && { stateMachineArn: [stateMachineArn(sourceStateMachine)] }),
    ...(sourceAlarms && { alarmName: sourceAlarms.map(alarmName) }),
  };
  return { ...pattern, detail };
}
