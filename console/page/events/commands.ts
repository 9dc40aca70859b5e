import type { EventEntry } from '../../event-source.ts';

type Command = Pick<EventEntry, 'kind' | 'id' | 'response'>;

/**
 * A command for a POSIX shell: sends a webhook again, with the secret from the environment, or replays an event by the console.
 * Undefined if the body of the webhook is not kept.
 */
export function curlCommand({ kind, id, response }: Command, payload: unknown, origin: string) {
  if (kind === 'event') return `curl -X POST ${quote(`${origin}/api/events/${encodeURIComponent(id)}/replay`)}`;
  const url = quote(`${origin}${response?.path ?? ''}`);
  const json = "-H 'content-type: application/json'";
  if (typeof payload === 'string') return `curl ${url} ${json} -d ${quote(payload)}`;
  if (payload === undefined) return undefined;
  const body = quote(JSON.stringify(payload)).replace(/^'\{/, `'{"secret_key":"'"$LIVECHAT_WEBHOOK_SECRET"'",`);
  return `curl ${url} ${json} -d ${body.replace(/,\}'$/, "}'")}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
