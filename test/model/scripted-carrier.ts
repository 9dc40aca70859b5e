import type { Carrier, Sent } from '../../core/outbound/carrier.ts';

type Method = 'fetch' | 'upload' | 'send' | 'find' | 'resume' | 'append' | 'join' | 'takeOver';

/** What a method answers at its first call, its second and so on; an error is thrown. Past the end all is well. */
export type Script = Partial<Record<Method, readonly (Error | 'ok' | 'found')[]>>;

export interface ScriptedCall {
  readonly method: Method;
  /** Where it was called, once an error has named another region. */
  readonly region?: string;
  /** Set for calls with credentials that were read afresh. */
  readonly fresh?: true;
}

export interface ScriptedCarrier {
  readonly carrier: Carrier<string>;
  readonly calls: ScriptedCall[];
  readonly methods: () => string[];
  /** What was asked for by `find`. */
  readonly since: number[];
}

export const sentAt: Sent = { threadId: 'thread', messageId: 'message' };

/** A carrier that does as it is told. `fresh` says how often the credentials have changed when they are read again. */
export function scriptedCarrier(script: Script, { fresh = 0, before = async () => {} } = {}): ScriptedCarrier {
  const calls: ScriptedCall[] = [];
  const since: number[] = [];
  let left = fresh;
  const make = (where: Omit<ScriptedCall, 'method'>): Carrier<string> => {
    const call = async (method: Method): Promise<'ok' | 'found'> => {
      const outcome = script[method]?.[calls.filter((one) => one.method === method).length];
      calls.push({ method, ...where });
      await before();
      if (outcome instanceof Error) throw outcome;
      return outcome ?? 'ok';
    };
    return {
      hasFile: () => script.fetch !== undefined,
      async withFile(content, use) {
        await call('fetch');
        return use(`${content} fetched`);
      },
      upload: async (content) => `${content} ${await call('upload')}`,
      async send() {
        await call('send');
        return sentAt;
      },
      async find(_conversation, _id, from) {
        since.push(from);
        return (await call('find')) === 'found' ? sentAt : undefined;
      },
      resume: async () => void (await call('resume')),
      async append() {
        await call('append');
        return sentAt;
      },
      join: async () => void (await call('join')),
      takeOver: async () => void (await call('takeOver')),
      inRegion: (region) => make({ ...where, region }),
      async withFreshCredentials() {
        left -= 1;
        return left >= 0 ? make({ ...where, fresh: true }) : undefined;
      },
    };
  };
  return { carrier: make({}), calls, since, methods: () => calls.map(({ method }) => method) };
}
