import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { headingsUnder } from '../markdown.ts';
import { loadApp } from './app.ts';

const runbook = 'docs/how-to/respond-to-alarms.md';
const inputs = z.object({ name: z.string(), alarmDescription: z.string() });

const alarms = loadApp('production')
  .resources.filter(({ type }) => type.startsWith('aws:cloudwatch/metricAlarm:'))
  .map((resource) => inputs.parse(resource.inputs));
const sections = headingsUnder(runbook, 'Alarms').map(({ anchor }) => anchor);

describe('the runbook', () => {
  it('is linked from the description of every alarm, at a section that exists', () => {
    expect(alarms.length).toBeGreaterThan(0);
    const anchors = alarms.map(
      ({ alarmDescription }) => /docs\/how-to\/respond-to-alarms\.md#([\w-]+)$/.exec(alarmDescription)?.[1],
    );
    expect(alarms.filter((_, index) => !sections.includes(anchors[index] ?? ''))).toEqual([]);
  });

  it('has a section for every alarm, and for no other', () => {
    const names = alarms.map(({ name }) => name.replace('livechat-production-', '').replace(/-\d+$/, ''));
    expect(sections.toSorted()).toEqual([...new Set(names)].toSorted());
  });
});
