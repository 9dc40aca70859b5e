import type { ApiResponses } from '../../api.ts';
import type { DeadLetter } from '../../operations.ts';
import { channelName, get } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { ago, count, fullTime } from '../parts/format.ts';
import { Badge, Card, Code, Head, Ids, Loaded } from '../parts/ui.tsx';
import { Actions } from './actions.tsx';
import { statusTones } from './list.tsx';

export function DeadLetterView({ id }: { id: string }) {
  return (
    <Loaded
      id={id}
      item={['dead letter', id]}
      load={() => get('/dead-letters/:id', { id })}
      changedBy={({ type }) => /^message\.(failed|sent|delivered)/.test(type)}
    >
      {(response, reload) => <DeadLetterDetails {...response} reload={reload} />}
    </Loaded>
  );
}

/** Why a dead letter of this kind cannot be redriven. */
const notRedrivableTexts: Partial<Readonly<Record<DeadLetter['kind'], string>>> = {
  rejected: 'A rejected request cannot be redriven. Its sender must publish a corrected one with a new requestId.',
  unreadable: 'An unreadable message cannot be redriven.',
};

type DetailsProps = ApiResponses['/dead-letters/:id'] & { readonly reload: () => void };

function DeadLetterDetails({ deadLetter, content, execution, reload }: DetailsProps) {
  const { id, category, kind, status, errorName, errorMessage, conversationId, organizationId, requestId } = deadLetter;
  const { createdAt, dismissReason, dismissedAt } = deadLetter;
  const notRedrivable = notRedrivableTexts[kind];
  const conversation = linkTo('conversations', conversationId, { organizationId });
  return (
    <>
      <Head title={errorName} item={`${errorName} ${conversationId}`.trim()}>
        <p class="bad error-message">{errorMessage || 'The error has no message.'}</p>
        <p>
          <Badge tone={statusTones[status]}>{status}</Badge> Category {category}. Failed {ago(createdAt)},{' '}
          {fullTime(createdAt)}
          {conversationId && (
            <>
              , for conversation <a href={conversation}>{conversationId}</a>
            </>
          )}
        </p>
        {dismissedAt && (
          <p>
            Dismissed {fullTime(dismissedAt)}: {dismissReason}
          </p>
        )}
      </Head>
      <Card title="What to do">
        {kind === 'send' && (
          <p>
            {describeFailure(deadLetter)}{' '}
            {execution && <a href={linkTo('executions', execution)}>Show all attempts of this execution</a>}
          </p>
        )}
        {notRedrivable && <p>{notRedrivable}</p>}
        <Actions ids={status === 'open' ? [id] : []} redrivable={!notRedrivable} onDone={reload} />
        {status === 'redriven' && conversationId && (
          <p>
            The request was redriven: <a href={conversation}>show the transcript</a>.
          </p>
        )}
      </Card>
      {content.kind !== 'send' && (
        <Card title={contentTitles[content.kind]}>
          <Code value={content.kind === 'unreadable' ? content.body : content.event} />
        </Card>
      )}
      <Card title="IDs for searching the logs">
        <Ids
          ids={[
            ['Dead letter', id],
            ['Request', requestId],
            ['Execution ARN', execution],
          ]}
        />
      </Card>
    </>
  );
}

const contentTitles = { rejected: 'Request', event: 'Event', unreadable: 'Message' } as const;

function describeFailure({ organizationId, redrives, failedCalls }: DeadLetter): string {
  const execution = redrives === 0 ? 'It failed in its first execution' : `It failed again after redrive ${redrives}`;
  const calls = failedCalls === 0 ? 'no failed calls' : count(failedCalls, 'failed call');
  return `${execution}, with ${calls} to ${channelName(organizationId)}.`;
}
