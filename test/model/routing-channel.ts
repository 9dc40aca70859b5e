import { ChannelError, type ChannelErrorCategory, type ChannelErrorDetails } from '../../core/channel/channel.ts';
import type { RoutingChannel } from '../../core/routing/channel.ts';

/** A failure as a channel classifies it. */
export function failure(category: ChannelErrorCategory, more: Partial<ChannelErrorDetails> = {}): ChannelError {
  return new ChannelError(category, { message: `${category} failure`, outcome: 'refused', status: 422, ...more });
}

/** Our agent. */
export const agentId = 'bridge@acme.example';

/** A channel that notes each call, such as `transfer agent nina`, and fails as it is told to. */
export function routingChannel(
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
  const channel = (where: string): RoutingChannel => ({
    agentId,
    transfer: (_id, target) =>
      done(`${where}transfer ${'agent' in target ? `agent ${target.agent}` : `group ${target.group}`}`),
    handBack: () => done(`${where}hand back`),
    tag: (_id, _thread, tag) => done(`${where}tag ${tag}`),
    sendMessage: (_id, { visibility }) => done(`${where}send to ${visibility}`),
    find: () => call(`${where}find`),
    join: (_id, visibility) => done(`${where}join ${visibility}`),
    inRegion: (region) => channel(`${region}: `),
    withFreshCredentials: async () => (answers('fresh credentials', calls) === true ? channel('fresh: ') : undefined),
  });
  return { channel: channel(''), calls };
}
