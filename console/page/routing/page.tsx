import type { ApiResponses } from '../../api.ts';
import { channelName, get, organizationName } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { Filters, OrganizationFilter, useOrganizations } from '../parts/filters.tsx';
import { count } from '../parts/format.ts';
import { Head, Loaded, NoOrganizations } from '../parts/ui.tsx';
import { describeRule } from './describe.ts';
import { DraftCard } from './draft.tsx';

type OrganizationRules = ApiResponses['/routing/rules']['rules'][number];

/** The active rules of an organization, and a draft of changed rules. */
export function RoutingPage({ query }: { query: URLSearchParams }) {
  const organizationId = query.get('organizationId') || undefined;
  const { organizations, keep } = useOrganizations();
  const load = async () => keep(await get('/routing/rules', { organizationId }));
  return (
    <>
      <Head title="Routing">
        <p>
          Each thread that a customer starts is routed once, by these rules. Each{' '}
          <a href={linkTo('conversations')}>conversation</a> shows its routing decisions.
        </p>
        <Filters>
          <OrganizationFilter organizations={organizations} all={false} />
        </Filters>
      </Head>
      <Loaded id={organizationId ?? ''} load={load}>
        {({ rules: [rules] }, reload) =>
          rules ? (
            // Another version starts another draft.
            <Organization key={`${rules.organizationId} ${rules.active.version}`} rules={rules} reload={reload} />
          ) : (
            <NoOrganizations />
          )
        }
      </Loaded>
    </>
  );
}

function Organization({ rules, reload }: { rules: OrganizationRules; reload: () => void }) {
  const { organizationId, active, versions } = rules;
  const { rules: list, match } = active.ruleSet;
  const name = organizationName(organizationId);
  return (
    <>
      <section class="card" aria-label={`Rules of ${name}`}>
        <h2>{active.version === 0 ? 'The default rules are active' : `Version ${active.version} is active`}</h2>
        <p>
          {name !== organizationId && `${name}, `}
          <code>{organizationId}</code>;{' '}
          {match === 'first' ? 'the first matching rule applies' : 'all matching rules apply'}
          {versions.length > 0 && `; ${count(versions.length, 'stored version')}`}
          {active.comment && `; “${active.comment}”`}.
        </p>
        {list.length === 0 ? (
          <p class="hint">No rules: {channelName(organizationId)}'s own routing assigns every chat.</p>
        ) : (
          <ol class="rules">
            {list.map((rule) => (
              <li key={rule.name}>
                <b>{rule.name}</b>
                <span>{describeRule(rule)}</span>
                {rule.comment && <small>{rule.comment}</small>}
              </li>
            ))}
          </ol>
        )}
      </section>
      <DraftCard
        organizationId={organizationId}
        active={active}
        nextVersion={(versions[0]?.version ?? 0) + 1}
        onApplied={reload}
      />
    </>
  );
}
