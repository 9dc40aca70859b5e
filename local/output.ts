import type { Colors } from 'picocolors/types.js';
import type { Activity, EventActivity, ExecutionActivity, InvocationActivity, WebhookActivity } from './activity.ts';
import { isRecord } from './aws/protocol.ts';
import type { Addresses, Engine } from './engine.ts';

/** The terminal output: the addresses at the start, then one line per activity, without message contents. */

export function formatStart({ addresses, generated }: Pick<Engine, 'addresses' | 'generated'>, colors: Colors): string {
  const rows: [string, string][] = [
    ['webhook', addresses.webhook],
    ['console', addresses.console],
    ['AWS', addresses.aws],
    ['LiveChat', addresses.livechat],
    ['bus', addresses.bus],
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

function describe(activity: Activity, colors: Colors): string {
  switch (activity.type) {
    case 'webhook':
      return describeWebhook(activity, colors);
    case 'event':
      return describeEvent(activity, colors);
    case 'execution':
      return describeExecution(activity, colors);
    case 'invocation':
      return describeInvocation(activity, colors);
  }
}

function describeWebhook({ method, action, status, ms }: WebhookActivity, colors: Colors): string {
  const code = status < 300 ? colors.green(String(status)) : colors.red(String(status));
  return [method, action, code, colors.dim(`${ms} ms`)].filter(Boolean).join(' ');
}

function describeEvent({ detailType, detail }: EventActivity, colors: Colors): string {
  const data = isRecord(detail) ? detail.data : undefined;
  const conversation = isRecord(data) ? data.conversationId : undefined;
  return typeof conversation === 'string' ? `${detailType} ${colors.cyan(conversation)}` : detailType;
}

function describeExecution({ name, status, error }: ExecutionActivity, colors: Colors): string {
  const text = status.toLowerCase().replace('_', ' ');
  if (status === 'RUNNING') return `${name} ${text}`;
  return `${name} ${status === 'SUCCEEDED' ? colors.green(text) : colors.red(`${text} ${error ?? ''}`.trim())}`;
}

function describeInvocation({ function: name, ok, ms, error }: InvocationActivity, colors: Colors): string {
  const outcome = ok ? colors.green('ok') : colors.red(`failed ${error ?? ''}`.trim());
  return `${name} ${outcome} ${colors.dim(`${ms} ms`)}`;
}
