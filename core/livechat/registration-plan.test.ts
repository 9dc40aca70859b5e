import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WebhookRegistration } from './api.ts';
import {
  type DesiredRegistrations,
  findRotationGap,
  fingerprint,
  formatMark,
  isUpToDate,
  maxPerAction,
  nextRotationStep,
  parseMark,
  planChanges,
  type RegistrationPlan,
  type RegistrationState,
  supportedActions,
} from './registration-plan.ts';

const url = 'https://bridge.example/livechat/webhook';
const mark = { version: 'v3.6', secret: '0a1b2c3d' };
const desired: DesiredRegistrations = { url, actions: ['incoming_chat', 'incoming_event'], mark };

let ids = 0;
const registered = (changes: Partial<WebhookRegistration> = {}): WebhookRegistration => {
  ids += 1;
  return { id: `r${ids}`, action: 'incoming_event', url, type: 'license', description: formatMark(mark), ...changes };
};
const chat = registered({ action: 'incoming_chat' });
const other = () => registered({ url: 'https://elsewhere.example/', description: 'theirs' });
const state = (...registrations: WebhookRegistration[]): RegistrationState => ({
  registrations: [chat, ...registrations],
  enabled: true,
});
const planned = (...registrations: WebhookRegistration[]): RegistrationPlan =>
  planChanges(state(...registrations), desired);

describe('supportedActions', () => {
  it('returns every action with a domain event that the API version has', () => {
    const actions = supportedActions('v3.6');
    expect(actions).toHaveLength(14);
    expect(actions).toContain('incoming_rich_message_postback');
    expect(actions).not.toContain('agent_changed');
    expect(supportedActions('v3.5')).toEqual(actions.filter((one) => one !== 'event_deleted'));
    expect(supportedActions('v4.0')).toEqual(actions);
  });
});

describe('planChanges', () => {
  it('keeps a valid registration, also if its URL is written differently', () => {
    const one = registered({ url: 'https://BRIDGE.example:443/livechat/webhook' });
    expect(planned(one)).toMatchObject({ keep: [chat, one], create: [], remove: [] });
    expect(isUpToDate(planned(one))).toBe(true);
  });

  it('creates a missing registration', () => {
    expect(planned().create).toEqual([{ action: 'incoming_event', mismatches: [] }]);
  });

  it.each([
    [{ type: 'bot' }, ['type']],
    [{ filters: { author_type: 'customer' } }, ['filters']],
    [{ filters: { source_type: ['other_clients'] } }, ['filters']],
    [{ description: 'incoming events' }, ['unmarked']],
    [{ description: null }, ['unmarked']],
    [{ description: formatMark({ ...mark, version: 'v3.4' }) }, ['version']],
    [{ description: formatMark({ ...mark, secret: 'ffffffff' }) }, ['secret']],
    [{ type: 'bot', description: formatMark({ version: 'v3.5', secret: 'ffffffff' }) }, ['type', 'version', 'secret']],
  ])('replaces a registration with %j', (changes, mismatches) => {
    const one = registered(changes);
    expect(planned(one)).toMatchObject({
      removeFirst: [],
      create: [{ action: 'incoming_event', mismatches }],
      remove: [{ id: one.id, reason: 'replaced' }],
    });
  });

  it.each([[{ filters: {} }], [{ filters: null }], [{ type: undefined }]])('ignores %j', (changes) => {
    expect(isUpToDate(planned(registered(changes)))).toBe(true);
  });

  it('removes duplicates, replaced registrations and unsupported actions', () => {
    const duplicates = [registered(), registered(), registered({ type: 'bot' })];
    const unsupported = registered({ action: 'tag_created' });
    expect(planned(...duplicates, unsupported).remove).toEqual([
      { id: duplicates[2]?.id, action: 'incoming_event', reason: 'replaced' },
      { id: duplicates[1]?.id, action: 'incoming_event', reason: 'duplicate' },
      { id: unsupported.id, action: 'tag_created', reason: 'not supported' },
    ]);
  });

  it('is blocked by three registrations for other URLs', () => {
    const others = [other(), other(), other()];
    expect(planned(...others)).toMatchObject({ blocked: [{ action: 'incoming_event', others }], create: [] });
    expect(isUpToDate(planned(...others))).toBe(false);
  });

  it('removes one registration first if three exist', () => {
    const invalid = registered({ type: 'bot' });
    const plan = planned(other(), other(), invalid);
    expect(plan).toMatchObject({
      removeFirst: [{ id: invalid.id }],
      create: [{ action: 'incoming_event' }],
      remove: [],
    });
    expect(findRotationGap(plan)).toContain('3 registrations already exist for incoming_event');
    expect(findRotationGap(planned(invalid))).toBeUndefined();
  });

  it('enables disabled webhooks', () => {
    expect(planChanges({ ...state(registered()), enabled: false }, desired).enable).toBe(true);
  });

  const description = fc.constantFrom(
    formatMark(mark),
    formatMark({ ...mark, secret: 'ffffffff' }),
    formatMark({ ...mark, version: 'v3.4' }),
    'by hand',
    null,
  );
  const registration = fc
    .record({
      action: fc.constantFrom('incoming_chat', 'incoming_event', 'tag_created'),
      url: fc.constantFrom(url, url, 'https://elsewhere.example/'),
      type: fc.constantFrom('license', 'bot'),
      description,
    })
    .map((fields) => registered(fields));

  /** The registrations after each step of a plan. */
  const applied = (before: readonly WebhookRegistration[], plan: RegistrationPlan) => {
    const states = [before];
    const now = () => states.at(-1) ?? [];
    const remove = (id: string) => states.push(now().filter((one) => one.id !== id));
    for (const { id } of plan.removeFirst) remove(id);
    for (const { action } of plan.create) states.push([...now(), registered({ action })]);
    for (const { id } of plan.remove) remove(id);
    return states;
  };
  const ofAction = (list: readonly WebhookRegistration[], action: string) =>
    list.filter((one) => one.action === action);

  it('converges when applied or interrupted, within the limit, without changing registrations for other URLs', () => {
    fc.assert(
      fc.property(fc.array(registration, { maxLength: 12 }), (given) => {
        const before = ['incoming_chat', 'incoming_event', 'tag_created'].flatMap((action) =>
          ofAction(given, action).slice(0, maxPerAction),
        );
        const plan = planChanges({ registrations: before, enabled: true }, desired);
        const states = applied(before, plan);
        for (const state of states) {
          for (const action of desired.actions)
            expect(ofAction(state, action).length).toBeLessThanOrEqual(maxPerAction);
          expect(state.filter((one) => one.url !== url)).toEqual(before.filter((one) => one.url !== url));
        }
        const after = planChanges({ registrations: states.at(-1) ?? [], enabled: true }, desired);
        expect({ ...after, blocked: [], keep: [] }).toMatchObject({ removeFirst: [], create: [], remove: [] });
        expect(after.blocked.map(({ action }) => action)).toEqual(plan.blocked.map(({ action }) => action));
        // After an interruption at any step, the next plan leads to the same result.
        for (const state of states) {
          const rest = applied(state, planChanges({ registrations: state, enabled: true }, desired)).at(-1) ?? [];
          expect(planChanges({ registrations: rest, enabled: true }, desired).blocked).toEqual(after.blocked);
          expect(planChanges({ registrations: rest, enabled: true }, desired).create).toEqual([]);
        }
      }),
    );
  });

  it('keeps every registered action registered at each step below the limit', () => {
    fc.assert(
      fc.property(fc.array(registration, { maxLength: 5 }), (given) => {
        const plan = planChanges({ registrations: given, enabled: true }, desired);
        fc.pre(findRotationGap(plan) === undefined);
        const isRegistered = (state: readonly WebhookRegistration[], action: string) =>
          ofAction(state, action).some((one) => one.url === url);
        for (const action of desired.actions.filter((one) => isRegistered(given, one))) {
          for (const state of applied(given, plan)) expect(isRegistered(state, action)).toBe(true);
        }
      }),
    );
  });
});

describe('mark and fingerprint', () => {
  it('parses a formatted mark and rejects other text', () => {
    expect(parseMark(formatMark(mark))).toEqual(mark);
    for (const text of ['', null, undefined, 'livechat-bridge', `${formatMark(mark)}0`]) {
      expect(parseMark(text)).toBeUndefined();
    }
  });

  it('differ by secret and by client id', async () => {
    const prints = await Promise.all([
      fingerprint('secret-one', 'app'),
      fingerprint('secret-one', 'app'),
      fingerprint('secret-two', 'app'),
      fingerprint('secret-one', 'another'),
    ]);
    expect(prints[0]).toMatch(/^[0-9a-f]{8}$/);
    expect(prints[0]).toBe(prints[1]);
    expect(new Set(prints).size).toBe(3);
  });
});

describe('nextRotationStep', () => {
  const fingerprints = { current: 'cccccccc', previous: 'bbbbbbbb' };
  const withSecret = (secret: string) => registered({ description: formatMark({ ...mark, secret }) });
  it.each([
    ['begins if nothing is registered', [], 'begin'],
    ['begins if all have the stored secret', [withSecret('cccccccc'), withSecret('cccccccc')], 'begin'],
    ['resumes if none has been replaced yet', [withSecret('bbbbbbbb')], 'resume'],
    ['resumes if some have been replaced', [withSecret('bbbbbbbb'), withSecret('cccccccc')], 'resume'],
    ['stops if one has an unknown secret', [withSecret('aaaaaaaa'), withSecret('bbbbbbbb')], undefined],
    ['stops if one has no mark', [registered({ description: 'by hand' })], undefined],
    ['ignores registrations for other URLs', [other(), withSecret('cccccccc')], 'begin'],
  ])('%s', (_name, registrations, next) => {
    expect(nextRotationStep(registrations, url, fingerprints)).toBe(next);
  });

  it('stops without a previous version', () => {
    expect(nextRotationStep([withSecret('bbbbbbbb')], url, { ...fingerprints, previous: undefined })).toBeUndefined();
  });
});
