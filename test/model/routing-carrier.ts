import { ChannelError, type ChannelErrorCategory, type ChannelErrorDetails } from '../../core/channel/channel.ts';
import type { RoutingCarrier } from '../../core/routing/apply.ts';

/** A failure as a carrier classifies it. */
export function failure(category: ChannelErrorCategory, more: Partial<ChannelErrorDetails> = {}): ChannelError {
  return new ChannelError(category, { message: `${category} failure`, outcome: 'refused', status: 422, ...more });
}

/** Our agent. */
export const agentId = 'bridge@acme.example';

/** A carrier that notes each call, such as `transfer agent nina`, and fails as it is told to. */
export function routingCarrier(
  answers: (call: string, calls: readonly string[]) => ChannelError | undefined | boolean,
) {
  const calls: string[] = [];
  const call = async (what: string): Promise<boolean> => {
    calls.push(what);
    const answer = answers(what, calls);
    if (typeof answer === 'object') throw answer;
    return answer === true;
  };
  const done = async (what: string): Promise<void> => void (await call(what));
  const carrier = (where: string): RoutingCarrier => ({
    agentId,
    transfer: (_id, target) =>
      done(`${where}transfer ${'agent' in target ? `agent ${target.agent}` : `group ${target.group}`}`),
    handBack: () => done(`${where}hand back`),
    tag: (_id, _thread, tag) => done(`${where}tag ${tag}`),
    sendText: (_id, { visibility }) => done(`${where}send to ${visibility}`),
    find: () => call(`${where}find`),
    join: (_id, visibility) => done(`${where}join ${visibility}`),
    inRegion: (region) => carrier(`${region}: `),
    withFreshCredentials: async () => (answers('fresh credentials', calls) === true ? carrier('fresh: ') : undefined),
  });
  return { carrier: carrier(''), calls };
}
