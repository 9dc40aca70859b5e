import {
  type ReconciliationReport,
  type ReconciliationRun,
  type ReconciliationView,
  unprovableReasons,
} from '../../../core/reconciliation/report.ts';
import { allChannels, get, stage } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { count, fullTime } from '../parts/format.ts';
import { Badge, Card, Empty, Head, Ids, Loaded, NoOrganizations, Time } from '../parts/ui.tsx';
import {
  countUnprovable,
  describeDuration,
  describeFindings,
  describeScope,
  describeStatus,
  describeWatermark,
  reasonTexts,
  statusTones,
  unprovableTexts,
} from './describe.ts';

const reloadMs = 5_000;

/** The time up to which each organization is proven complete, and its latest runs. */
export function ReconciliationPage({ organizationId }: { organizationId: string | undefined }) {
  return (
    <>
      <Head title="Reconciliation">
        <p>
          A run compares the threads that the channel lists with the stored ones, and publishes the events whose
          webhooks did not arrive.
        </p>
      </Head>
      <Loaded id={organizationId ?? ''} load={() => get('/reconciliation', { organizationId })} everyMs={reloadMs}>
        {({ organizations, everyMinutes }) => (
          <>
            {everyMinutes === 0 && (
              <p class="notice">
                The schedule is off: <code>RECONCILIATION_MINUTES</code> is 0. Lost webhooks are found only on request.
              </p>
            )}
            {organizations.length === 0 ? (
              <NoOrganizations />
            ) : (
              organizations.map((view) => (
                <OrganizationCard key={view.organizationId} view={view} everyMinutes={everyMinutes} />
              ))
            )}
            {(everyMinutes === 0 || organizations.every((view) => listRuns(view).length === 0)) && (
              <StartCard everyMinutes={everyMinutes} />
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

/** The run in progress, the last run, which may have found nothing, and the runs that are kept. */
function listRuns({ running, last, runs }: ReconciliationView): ReconciliationRun[] {
  const all = [...(running ? [running] : []), ...(last ? [last] : []), ...runs];
  // An interrupted run keeps its id when it continues.
  return all.filter(({ runId }, index) => all.findIndex((run) => run.runId === runId) === index);
}

function OrganizationCard({ view, everyMinutes }: { view: ReconciliationView; everyMinutes: number }) {
  const { organizationId, watermark } = view;
  const runs = listRuns(view);
  const { tone, name, text } = describeWatermark(watermark, everyMinutes, Date.now());
  return (
    <section class="card" aria-label={`Reconciliation of ${organizationId}`}>
      <h2>
        <code>{organizationId}</code>
      </h2>
      <p>
        <Badge tone={tone}>{name}</Badge> {text}
      </p>
      {runs.length > 0 && (
        <>
          <ol class="runs" aria-label="Runs, latest first">
            {runs.map((run) => (
              <li key={run.runId}>
                <Row run={run} />
              </li>
            ))}
          </ol>
          <p class="footnote">
            Shows the last run, and the latest 20 runs of 30 days that published events, could not prove a thread, did
            not complete or were requested.
          </p>
        </>
      )}
    </section>
  );
}

function Row({ run }: { run: ReconciliationRun }) {
  const { organizationId, runId, reason, status, startedAt, error } = run;
  return (
    <a class="row run" href={linkTo('reconciliation', runId, { organizationId })}>
      <span class="who">
        <b>{describeFindings(run)}</b>
        <span class="cause">
          {reasonTexts[reason]}, {describeScope(run)}
        </span>
        {error && (
          <small class={statusTones[status]}>
            {error.name}: {error.message}
          </small>
        )}
      </span>
      <span class="with">{describeDuration(run, Date.now())}</span>
      <Badge tone={statusTones[status]}>{status}</Badge>
      <Time at={startedAt} />
    </a>
  );
}

/** How to start a run, and when the schedule does. */
function StartCard({ everyMinutes }: { everyMinutes: number }) {
  const command = `npx livechat backfill --since 2h${stage.value === undefined ? '' : ` --stage ${stage.value}`}`;
  return (
    <Card title="Start a run">
      <p>
        {allChannels()} retries a webhook for about a minute. After a longer outage, its events are missing.{' '}
        {everyMinutes > 0 && `A run starts every ${count(everyMinutes, 'minute')}, and after an outage. `}
        To reconcile a period at once, run the command. The dry run writes nothing, and prints what is missing.
      </p>
      <Ids
        ids={[
          ['Dry run', `${command} --dry-run`],
          ['Run', command],
        ]}
      />
    </Card>
  );
}

export function RunView({ id, organizationId }: { id: string; organizationId: string | undefined }) {
  return (
    <Loaded id={id} load={() => get('/reconciliation', { organizationId })} everyMs={reloadMs}>
      {({ organizations }) => {
        const run = organizations.flatMap(listRuns).find(({ runId }) => runId === id);
        if (run) return <RunDetails run={run} />;
        return (
          <Empty title="This run is not kept">
            Scheduled runs that found nothing are kept until the next run ends, others for 30 days. The page shows the
            latest 20. <a href={linkTo('reconciliation')}>Show the latest runs</a>
          </Empty>
        );
      }}
    </Loaded>
  );
}

function RunDetails({ run }: { run: ReconciliationRun }) {
  const { organizationId, runId, reason, status, startedAt, conversationId, error, report } = run;
  return (
    <>
      <Head title="Reconciliation run">
        <p>
          <Badge tone={statusTones[status]}>{status}</Badge> {describeStatus(run)}
        </p>
        {error && (
          <p class={statusTones[status]}>
            {error.name}: {error.message}
          </p>
        )}
      </Head>
      <Card title={describeFindings(run)}>
        <p>
          Compared:{' '}
          {conversationId ? (
            <a href={linkTo('conversations', conversationId, { organizationId })}>{describeScope(run)}</a>
          ) : (
            describeScope(run)
          )}
          <br />
          Started {fullTime(startedAt)}, {reasonTexts[reason]} · {status === 'running' ? 'running for' : 'took'}{' '}
          {describeDuration(run, Date.now())}
        </p>
        <Figures
          figures={[
            ['Threads in the last pass', report.threads],
            ['Equal', report.equal],
            ['Unprovable', countUnprovable(report)],
            ['Repaired in all passes', report.repaired],
            ['Calls to the channel', report.calls],
            ['Passes', report.passes],
          ]}
        />
      </Card>
      {report.published > 0 && (
        <Card title="Published events">
          <Figures figures={Object.entries(report.events).toSorted(([, a], [, b]) => b - a)} />
        </Card>
      )}
      {countUnprovable(report) > 0 && <Unprovable organizationId={organizationId} report={report} />}
      <Card title="IDs for searching the logs">
        <Ids
          ids={[
            ['Run', runId],
            ['Organization', organizationId],
            ['Conversation', conversationId],
          ]}
        />
      </Card>
    </>
  );
}

function Figures({ figures }: { figures: readonly (readonly [label: string, value: number])[] }) {
  return (
    <dl class="figures">
      {figures.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value.toLocaleString()}</dd>
        </div>
      ))}
    </dl>
  );
}

function Unprovable({ organizationId, report }: { organizationId: string; report: ReconciliationReport }) {
  return (
    <Card title="Threads that could not be proven">
      <ul class="rules">
        {unprovableReasons.flatMap((reason) => {
          const number = report.unprovable[reason] ?? 0;
          if (number === 0) return [];
          const examples = report.examples.filter((example) => example.reason === reason);
          return (
            <li key={reason}>
              <b>
                {reason}: {count(number, 'thread')}
              </b>
              <span>{unprovableTexts[reason]}</span>
              {examples.map(({ conversationId, threadId }) => (
                <span key={threadId}>
                  <a href={linkTo('conversations', conversationId, { organizationId })}>{conversationId}</a>{' '}
                  <small>
                    thread <code>{threadId}</code>
                  </small>
                </span>
              ))}
              {examples.length > 0 && examples.length < number && <small>and {number - examples.length} more</small>}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
