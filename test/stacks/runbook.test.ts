import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { headingsUnder, section, tableRows } from '../markdown.ts';
import { loadApp } from './app.ts';

const runbook = 'docs/how-to/respond-to-alarms.md';
const inputs = z.object({ name: z.string(), alarmDescription: z.string() });

const alarms = loadApp('production')
  .resources.filter(({ type }) => type.startsWith('aws:cloudwatch/metricAlarm:'))
  .map((resource) => inputs.parse(resource.inputs));
const sections = headingsUnder(runbook, 'Alarms').map(({ anchor }) => anchor);

const names = [
  ...new Set(alarms.map(({ name }) => name.replace('livechat-production-', '').replace(/-\d+$/, ''))),
].toSorted();

describe('the runbook', () => {
  it('is linked from the description of every alarm, at a section that exists', () => {
    expect(alarms.length).toBeGreaterThan(0);
    const anchors = alarms.map(
      ({ alarmDescription }) => /docs\/how-to\/respond-to-alarms\.md#([\w-]+)$/.exec(alarmDescription)?.[1],
    );
    expect(alarms.filter((_, index) => !sections.includes(anchors[index] ?? ''))).toEqual([]);
  });

  it('has a section for every alarm, and for no other', () => {
    expect(sections.toSorted()).toEqual(names);
  });
});

describe('docs/reference/metrics-and-alarms.md', () => {
  it('has a row for every alarm, and for no other', () => {
    const rows = tableRows(section('docs/reference/metrics-and-alarms.md', 'Alarms'));
    const codes = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
    const listed = rows.flatMap(([name, condition]) => {
      const [alarm = ''] = codes(name);
      return alarm.includes('<category>')
        ? codes(condition).map((category) => alarm.replace('<category>', category))
        : [alarm];
    });
    expect(listed.toSorted()).toEqual(names);
  });
});
