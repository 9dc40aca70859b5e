import type { Colors } from 'picocolors/types.js';
import type { Activity } from './activity.ts';
import { isRecord } from './aws/protocol.ts';
import type { Addresses, Engine } from './engine.ts';

/** The terminal output: the addresses at the start, then one line per activity, without message contents. */

/** The folder of the stored state. Undefined if the state is in memory only. */
export interface Start extends Pick<Engine, 'addresses' | 'generated'> {
  readonly dataFolder: string | undefined;
}

export function formatStart({ addresses, generated, dataFolder }: Start, colors: Colors): string {
  const rows: [string, string][] = [
    ['webhook', addresses.webhook],
    ['console', addresses.console],
    ['AWS', addresses.aws],
    ['LiveChat', addresses.livechat],
    ['bus', addresses.bus],
    ['data', dataFolder ?? 'in memory, lost when the engine stops'],
  ];
  const lines = ['', ...rows.map(([name, value]) => `  ${colors.bold(name.padEnd(9))} ${value}`), ''];
  const variables = Object.entries(generated).map(([name, value]) => `  ${name}=${value}`);
  const hint = variables.length > 0 ? ['  Generated because the environment does not set them:', ...variables, ''] : [];
  return [...lines, ...hint, '  Simulate a chat: npx livechat simulate chat', ''].join('\n');
}

/** The one line that `--json` prints. */
export function formatReady(addresses: Addresses): string {
  return JSON.stringify({ ready: true, ...addresses });
}

export function formatActivity(activity: Activity, colors: Colors): string {
  const time = colors.dim(activity.at.slice(11, 23));
  return `${time} ${activity.type.padEnd(10)} ${describe(activity, colors)}`;
}

function describe(activity: Activity, { cyan, dim, green, red }: Colors): string {
  switch (activity.type) {
    case 'webhook': {
      const { method, action, status, ms } = activity;
      const code = status < 300 ? green(String(status)) : red(String(status));
      return [method, action, code, dim(`${ms} ms`)].filter(Boolean).join(' ');
    }
    case 'event': {
      const { detailType, detail } = activity;
      const data = isRecord(detail) ? detail.data : undefined;
      const conversation = isRecord(data) ? data.conversationId : undefined;
      return typeof conversation === 'string' ? `${detailType} ${cyan(conversation)}` : detailType;
    }
    case 'execution': {
      const { name, status, error = '' } = activity;
      const text = status.toLowerCase().replace('_', ' ');
      if (status === 'RUNNING') return `${name} ${text}`;
      return `${name} ${status === 'SUCCEEDED' ? green(text) : red(`${text} ${error}`.trim())}`;
    }
    case 'invocation': {
      const { function: name, ok, ms, error = '' } = activity;
      return `${name} ${ok ? green('ok') : red(`failed ${error}`.trim())} ${dim(`${ms} ms`)}`;
    }
  }
}
