import { describe, expect, it } from 'vitest';
import { attempting, failures, timeout } from '../../test/model/attempting.ts';
import { sentAt } from '../../test/model/scripted-carrier.ts';

const { inactive, absent, crowded, elsewhere, clientError } = failures;
const doubtful = { unknown: true };

describe('an inactive chat', () => {
  it('is resumed, once', async () => {
    const once = attempting({ script: { send: [inactive] } });
    expect(await once.run()).toEqual(sentAt);
    expect(once.methods()).toEqual(['send', 'resume', 'send']);
    expect(once.did()).toEqual(['resumed']);
    const twice = attempting({ script: { send: [inactive, inactive] } });
    await expect(twice.run()).rejects.toBe(inactive);
    expect(twice.methods()).toEqual(['send', 'resume', 'send']);
  });

  it('gets the message appended where it is to stay inactive', async () => {
    const { run, methods, did } = attempting({ script: { send: [inactive] }, options: { onInactive: 'append' } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send', 'append']);
    expect(did()).toEqual(['appended']);
  });

  it('may have the appended message when the answer is missing, which is remembered', async () => {
    const script = { send: [inactive], append: [timeout('none')] };
    const { run, release } = attempting({ script, options: { onInactive: 'append' } });
    await expect(run()).rejects.toMatchObject({ name: 'LiveChatNetworkError' });
    expect(release()).toMatchObject({ unknown: 'yes', attempts: 1 });
  });

  it('ends the request where it is told to', async () => {
    const { run, methods } = attempting({ script: { send: [inactive] }, options: { onInactive: 'fail' } });
    await expect(run()).rejects.toBe(inactive);
    expect(methods()).toEqual(['send']);
  });

  it('is not asked for twice when it cannot be resumed', async () => {
    const { run, methods, release } = attempting({ script: { send: [inactive, inactive], resume: [clientError] } });
    await expect(run()).rejects.toBe(inactive);
    expect(methods()).toEqual(['send', 'resume', 'send']);
    expect(release()).toMatchObject({ unknown: 'no' });
  });

  it('is sent to where resuming is refused because somebody else was faster', async () => {
    const { run, methods, did } = attempting({ script: { send: [inactive], resume: [clientError] } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send', 'resume', 'send']);
    expect(did()).toEqual([]);
  });
});

describe('a chat that the sender is not in', () => {
  it('is joined, once, and sent to as soon as that is in effect', async () => {
    const { run, methods, time } = attempting({ script: { send: [absent, absent, absent] } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send', 'join', 'send', 'send', 'send']);
    expect(time.now()).toBeGreaterThanOrEqual(800);
    expect(time.now()).toBeLessThan(2_000);
  });

  it('is given up when the join is not in effect after 5 s', async () => {
    const { run, methods, time } = attempting({ script: { send: Array(99).fill(absent) } });
    await expect(run()).rejects.toBe(absent);
    expect(methods().filter((method) => method === 'join')).toHaveLength(1);
    expect(time.now()).toBeGreaterThan(5_000);
    expect(time.now()).toBeLessThan(6_000);
  });

  it('is taken over where a second agent is refused, when told to', async () => {
    const script = { send: [absent], join: [crowded] };
    const { run, methods, did } = attempting({ script, options: { onAbsent: 'transfer' } });
    expect(await run()).toEqual(sentAt);
    expect(methods()).toEqual(['send', 'join', 'takeOver', 'send']);
    expect(did()).toEqual(['took over']);
  });

  it('is not taken over unless told to', async () => {
    const { run, methods } = attempting({ script: { send: [absent], join: [crowded] } });
    await expect(run()).rejects.toBe(crowded);
    expect(methods()).toEqual(['send', 'join']);
  });

  it('is not taken over for another reason', async () => {
    const script = { send: [absent], join: [clientError] };
    const { run, methods } = attempting({ script, options: { onAbsent: 'transfer' } });
    await expect(run()).rejects.toBe(clientError);
    expect(methods()).toEqual(['send', 'join']);
  });
});

describe('an organization in another region', () => {
  it('is followed there, once', async () => {
    const once = attempting({ script: { send: [elsewhere('fra')] } });
    expect(await once.run()).toEqual(sentAt);
    expect(once.calls).toEqual([{ method: 'send' }, { method: 'send', region: 'fra' }]);
    const astray = elsewhere('dal');
    const twice = attempting({ script: { send: [elsewhere('fra'), astray] } });
    await expect(twice.run()).rejects.toBe(astray);
  });

  it('is not followed nowhere', async () => {
    const { run, methods } = attempting({ script: { send: [elsewhere()] } });
    await expect(run()).rejects.toMatchObject({ name: 'LiveChatRepairableError' });
    expect(methods()).toEqual(['send']);
  });

  it('is followed there when the first call is to look for the message', async () => {
    const { run, calls } = attempting({ script: { find: [elsewhere('fra')] }, history: doubtful });
    expect(await run()).toEqual(sentAt);
    expect(calls).toEqual([{ method: 'find' }, { method: 'find', region: 'fra' }, { method: 'send', region: 'fra' }]);
  });

  it('is followed there when the first call is to upload a file', async () => {
    const { run, calls } = attempting({ script: { fetch: ['ok'], upload: [elsewhere('fra')] } });
    expect(await run()).toEqual(sentAt);
    expect(calls).toEqual([
      { method: 'fetch' },
      { method: 'upload' },
      { method: 'upload', region: 'fra' },
      { method: 'send', region: 'fra' },
    ]);
  });
});
