import { archiveDays } from './settings.ts';
import { arn, named, shared } from './stage.ts';
import { archive, busName, type RuleSpec } from './topology.ts';

/** To be written down: every service of the company puts its send requests on this bus. */
const name = shared(busName);

export const bus = new sst.aws.Bus('Bus', { transform: { bus: { name } } });

/** For replays: docs/how-to/replay-events.md says how. */
new aws.cloudwatch.EventArchive('BusArchive', {
  name: named('bus'),
  eventSourceArn: bus.arn,
  eventPattern: JSON.stringify(archive.pattern),
  retentionDays: archiveDays,
});

/** The ARN of one of our rules, known by its name before the rule is there. */
export function ruleArn(rule: string, on?: RuleSpec['bus']) {
  return arn('events', on === 'default' ? `rule/${named(rule)}` : `rule/${name}/${named(rule)}`);
}
