import * as z from 'zod/mini';
import type { ConversationAnswer } from '../../answers.ts';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { Cards, Outside, WithLinks } from './content.tsx';

type Pending = ConversationAnswer['pending'][number];

const request = z.object({
  detail: z.object({
    data: z.object({ messages: z.array(z.looseObject({ type: z.string(), content: z.unknown() })) }),
  }),
});
const media = z.object({
  url: z.optional(z.string()),
  key: z.optional(z.string()),
  name: z.optional(z.string()),
});
const interactive = z.object({ elements: z.unknown() });

/** What a part says that LiveChat has not shown yet. No table holds it: the run that is to send it does. */
export function Requested({ delivery }: { delivery: Pending }) {
  const { execution, part } = delivery;
  if (execution === undefined || part === undefined) {
    return <p class="hint">What it says cannot be shown here: no run of it is known. The sending service knows it.</p>;
  }
  return <FromRun execution={execution} part={part} />;
}

function FromRun({ execution, part }: { execution: string; part: NonNullable<Pending['part']> }) {
  const { value, failure, reload } = useResource(execution, () => get('/executions/:id', { id: execution }));
  if (failure?.status === 404) {
    return (
      <p class="hint">What it says cannot be shown any more: its run is not there. AWS keeps a run for 90 days.</p>
    );
  }
  if (failure) {
    return (
      <p class="hint">
        What it says is in its run, which could not be read: {failure.message}{' '}
        <button type="button" class="quiet" onClick={reload}>
          Try again
        </button>
      </p>
    );
  }
  if (!value) return <p class="hint loading">Reading what it says…</p>;
  const message = request.safeParse(parsed(value.execution.input)).data?.detail.data.messages[part.messageIndex];
  if (!message) return <p class="hint">What it says cannot be shown: its run does not hold the request.</p>;
  return (
    <div class="content">
      <Asked type={message.type} content={message.content} />
      {part.splitIndex > 0 && <small>This is piece {part.splitIndex + 1} of that text, which goes in several.</small>}
    </div>
  );
}

/** A message as a send request puts it (docs/sending.md). */
function Asked({ type, content }: { type: string; content: unknown }) {
  if (typeof content === 'string') {
    return (
      <p>
        <WithLinks text={content} />
      </p>
    );
  }
  const file = media.safeParse(content).data;
  if (type === 'media' && file) {
    const address = file.url ?? file.key ?? '';
    return (
      <p>
        File: <Outside url={address}>{file.name ?? address}</Outside>
      </p>
    );
  }
  const card = interactive.safeParse(content).data;
  if (type === 'interactive' && card) return <Cards text={JSON.stringify(card.elements)} />;
  return <pre>{JSON.stringify(content, null, 2)}</pre>;
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
}
