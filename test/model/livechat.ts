import { type Channel, maxFetchMs, type SentMessage } from '../../core/channel/channel.ts';
import { type ErrorDetails, LiveChatApiError } from '../../core/livechat/errors.ts';
import { FileUnavailable } from '../../core/media/errors.ts';
import type { RoutingChannel } from '../../core/routing/channel.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface ModelOptions {
  readonly callsPerSecond: number;
  /** Share of calls that go wrong, 0 to 1. */
  readonly faults: number;
  /** Share of messages that are files, 0 to 1. */
  readonly files?: number | undefined;
  /** From when to when everything answers 503, ms. */
  readonly outage?: readonly [number, number] | undefined;
  /** The shortest and the longest latency of a call, ms. Two fifths of it pass before LiveChat receives the call. */
  readonly latency?: readonly [number, number] | undefined;
}

interface Accepted {
  readonly at: number;
  readonly conversation: string;
  readonly id: string;
}

const refused = (status: number, method: string): ErrorDetails => ({
  message: `answered ${status}`,
  method,
  status,
  outcome: status >= 500 ? 'unknown' : 'refused',
});
const noAnswer = (method: string): ErrorDetails => ({ message: 'no answer', method, outcome: 'unknown' });

/** LiveChat with a rate limit as a sliding window of a second, and every fault that a network and a server can have. */
export class ModelLiveChat {
  readonly accepted: Accepted[] = [];
  tooMany = 0;
  calls = 0;
  calm = false;
  readonly #time: VirtualTime;
  readonly #options: ModelOptions;
  readonly #arrivals = new Map<string, number[]>();

  constructor(time: VirtualTime, options: ModelOptions) {
    this.#time = time;
    this.#options = options;
  }

  channel(organizationId = ''): Channel<string> {
    const never = (): never => {
      throw new Error('the model has no such fault');
    };
    const channel: Channel<string> = {
      withFile: (content, use) =>
        content.startsWith('file') ? this.#fetch(() => use(`fetched ${content}`)) : use(content),
      upload: (content) => this.#upload(organizationId, content),
      send: (conversation, { id }) => this.#send(organizationId, conversation, id),
      find: (conversation, id) => this.#find(organizationId, conversation, id),
      resume: never,
      append: never,
      join: never,
      takeOver: never,
      inRegion: () => channel,
      withFreshCredentials: async () => undefined,
    };
    return channel;
  }

  /** A call without an effect that the model needs. */
  async answer(organizationId: string, method: string): Promise<void> {
    const latency = await this.#arrive(organizationId, method);
    await this.#time.sleep(latency * 0.6);
  }

  /** What routing calls. */
  routing(organizationId: string): RoutingChannel {
    const answer = (method: string) => this.answer(organizationId, method);
    const channel: RoutingChannel = {
      agentId: undefined,
      transfer: () => answer('transfer_chat'),
      handBack: () => answer('transfer_chat'),
      tag: () => answer('tag_thread'),
      sendMessage: () => answer('send_event'),
      find: async () => false,
      join: () => answer('add_user_to_chat'),
      inRegion: () => channel,
      withFreshCredentials: async () => undefined,
    };
    return channel;
  }

  /** The way there and back; what arrives too fast or in an outage goes no further. */
  async #arrive(organization: string, method: string): Promise<number> {
    const time = this.#time;
    const { outage, callsPerSecond, latency: [min, max] = [40, 110] } = this.#options;
    const latency = time.between(min, max);
    await time.sleep(latency * 0.4);
    this.calls += 1;
    const now = time.now();
    if (outage && !this.calm && now >= outage[0] && now < outage[1]) {
      await time.sleep(latency);
      throw new LiveChatApiError('Server', refused(503, method));
    }
    const arrivals = (this.#arrivals.get(organization) ?? []).filter((at) => at > now - 1000);
    this.#arrivals.set(organization, arrivals);
    if (arrivals.length >= callsPerSecond) {
      this.tooMany += 1;
      await time.sleep(latency * 0.6);
      throw new LiveChatApiError('RateLimit', refused(429, method));
    }
    arrivals.push(now);
    return latency;
  }

  /** A file's own server: slow, and not always well. */
  async #fetch<T>(use: () => Promise<T>): Promise<T> {
    await this.#time.sleep(this.#time.random() * maxFetchMs);
    if (this.#faulty()) throw new FileUnavailable('its server gave no answer');
    return use();
  }

  async #upload(organization: string, content: string): Promise<string> {
    const latency = await this.#arrive(organization, 'upload_file');
    await this.#time.sleep(latency * 0.6);
    if (this.#faulty()) throw new LiveChatApiError('Server', refused(500, 'upload_file'));
    return `uploaded ${content}`;
  }

  #faulty(): boolean {
    return !this.calm && this.#time.random() < this.#options.faults;
  }

  async #find(organization: string, conversation: string, id: string): Promise<SentMessage | undefined> {
    const latency = await this.#arrive(organization, 'list_threads');
    await this.#time.sleep(latency * 0.6);
    if (this.#faulty()) throw new LiveChatApiError('Server', refused(500, 'list_threads'));
    const found = this.accepted.some((one) => one.conversation === conversation && one.id === id);
    return found ? { threadId: 'thread', messageId: id } : undefined;
  }

  async #send(organization: string, conversation: string, id: string): Promise<SentMessage> {
    const time = this.#time;
    const latency = await this.#arrive(organization, 'send_event');
    const accept = () => void this.accepted.push({ at: time.now(), conversation, id });
    const method = 'send_event';
    const answer = async (ms: number, error: Error): Promise<never> => {
      await time.sleep(ms);
      throw error;
    };
    switch (this.#faulty() ? Math.floor(time.random() * 7) : -1) {
      case 0:
        return answer(300, new LiveChatApiError('Network', noAnswer(method)));
      case 1:
        accept();
        return answer(300, new LiveChatApiError('Network', noAnswer(method)));
      case 2:
        accept();
        return answer(20_000 - latency, new LiveChatApiError('Network', noAnswer(method)));
      case 3:
        time.at(time.now() + time.random() * 14_000, accept);
        return answer(300, new LiveChatApiError('Network', noAnswer(method)));
      case 4:
        return answer(latency, new LiveChatApiError('Server', refused(500, method)));
      case 5:
        accept();
        return answer(latency, new LiveChatApiError('Server', refused(503, method)));
      case 6:
        return answer(
          latency,
          time.random() < 0.2
            ? new LiveChatApiError('Client', refused(422, method))
            : new LiveChatApiError('Server', refused(500, method)),
        );
      default:
        accept();
        await time.sleep(latency * 0.6);
        return { threadId: 'thread', messageId: id };
    }
  }
}
