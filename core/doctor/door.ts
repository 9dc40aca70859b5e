import { type Examination, found } from './finding.ts';

/** As long as LiveChat waits. */
const timeoutMs = 10_000;

/** That the webhook answers, by the one call that needs no secret and does nothing. */
export function door(webhookUrl: string): Examination {
  const about = 'webhook';
  const { ok, fault } = found(about);
  const mend = 'See the log of functions/webhook, and whether its address has changed (then `livechat webhooks sync`).';
  return {
    about,
    async run() {
      try {
        const answer = await fetch(webhookUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"action":"ping"}',
          signal: AbortSignal.timeout(timeoutMs),
        });
        await answer.arrayBuffer();
        return answer.status === 200
          ? [ok(`${webhookUrl} answers`)]
          : [fault(`${webhookUrl} answers ${answer.status}`, mend)];
      } catch {
        return [fault(`${webhookUrl} does not answer`, mend)];
      }
    },
  };
}
