import { select } from '../outbound/dead-letters/select.ts';
import { viewOf } from '../outbound/gate/hand.ts';
import { gateStore } from '../outbound/gate/store.ts';
import { wholeNumber } from '../platform/configuration.ts';
import { type Examination, found } from './finding.ts';

const mostCounted = 1000;

/** That nothing waits for a human: paused gates, open breakers, dead letters. */
export function sending(organizationIds: readonly string[], now: () => number): Examination {
  const about = 'sending';
  const { ok, warning } = found(about);
  return {
    about,
    async run() {
      const store = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));
      const gates = await Promise.all(organizationIds.map(async (id) => viewOf(id, await store.read(id), now())));
      const letters = await select('open', {}, { limit: mostCounted, now: now() });
      const many = letters.length === mostCounted ? `${mostCounted} or more` : `${letters.length}`;
      const findings = [
        ...gates
          .filter(({ paused }) => paused)
          .map(({ organizationId }) =>
            warning(`the gate of ${organizationId} is paused: nothing is sent`, 'Resume it: livechat gate resume.'),
          ),
        ...gates
          .filter(({ paused, breaker }) => !paused && breaker === 'open')
          .map(({ organizationId, reason }) =>
            warning(
              `the breaker of ${organizationId} is open: ${reason || 'failures'}`,
              'Mend what LiveChat says (the credentials, see above), or wait: a trial closes it. By hand: livechat gate resume.',
            ),
          ),
        ...(letters.length > 0
          ? [
              warning(
                `${many} open dead letters`,
                'Look at them: livechat dead-letters list. Then: livechat dead-letters redrive.',
              ),
            ]
          : []),
      ];
      return findings.length > 0
        ? findings
        : [ok('no gate is paused, all breakers are closed, no dead letter is open')];
    },
  };
}
