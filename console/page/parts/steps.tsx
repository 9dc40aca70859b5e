import { linkTo } from '../app/route.ts';
import { stepTime } from './format.ts';
import { Time, type Tone } from './ui.tsx';

/** One step of a message's timeline or of an execution's history. */
export interface Step {
  readonly text: string;
  readonly tone: Tone;
  /** ISO 8601; left out if unknown. */
  readonly at?: string | undefined;
  /** The time since the previous step. */
  readonly after?: string | undefined;
  readonly reason?: string | undefined;
  /** An execution's ARN and a dead letter's id, to link to. */
  readonly execution?: string | undefined;
  readonly deadLetter?: string | undefined;
}

export function Steps({ steps, timesFirst = false }: { steps: readonly Step[]; timesFirst?: boolean }) {
  const first = steps.find(({ at }) => at)?.at;
  return (
    <ol class={timesFirst ? 'steps times-first' : 'steps'}>
      {steps.map(({ text, tone, at, after, reason, execution, deadLetter }, index) => (
        <li key={index} class={tone}>
          <span>
            {text}
            {after && `, ${after}`}{' '}
          </span>
          {at && <Time at={at} format={(time) => stepTime(time, first)} />}
          {execution && <a href={linkTo('executions', execution)}>execution</a>}
          {deadLetter && <a href={linkTo('dead-letters', deadLetter)}>dead letter</a>}
          {reason && <small>{reason}</small>}
        </li>
      ))}
    </ol>
  );
}
