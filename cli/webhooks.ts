import { type Account, openAccount } from '../core/livechat/connection.ts';
import {
  findMismatches,
  isSameUrl,
  isUpToDate,
  type Mismatch,
  planChanges,
  type RegistrationPlan,
} from '../core/livechat/registration-plan.ts';
import {
  applyChanges,
  desiredRegistrations,
  type PlannedSync,
  planRotation,
  planSync,
  readRegistrations,
  requireClientId,
  storeWebhookSecret,
  unregisterWebhook,
} from '../core/livechat/registration-sync.ts';
import { systemClock } from '../core/platform/clock.ts';
import { wholeNumber } from '../core/platform/configuration.ts';
import { isLoopback } from './bridge.ts';
import type { ListOptions, RemoveOptions, SyncOptions } from './commands/webhooks.ts';
import { exitCodes, UsageError } from './errors.ts';
import { colours, print, printJson } from './output.ts';
import { confirm, withProgress } from './prompts.ts';
import { printTable } from './table.ts';

/** @throws UsageError if the real LiveChat would have to call this machine */
const openTarget = async ({ organization, url = process.env.WEBHOOK_URL ?? '' }: ListOptions) => {
  const account = await openAccount(organization, systemClock);
  if (isLoopback(url) && !isLoopback(account.baseUrl)) {
    throw new UsageError(
      `LiveChat cannot call ${url} on this machine: pass --url with a public address, such as that of a tunnel.`,
    );
  }
  return { account, url };
};

const mismatchTexts: Readonly<Record<Mismatch, string>> = {
  type: 'its type is bot',
  filters: 'it has filters',
  version: 'it has another API version',
  secret: 'it has another secret',
  unmarked: 'it was not created by this command, so its secret is unknown',
};

const formatMismatches = (mismatches: readonly Mismatch[]): string =>
  mismatches.map((one) => mismatchTexts[one]).join('; ');

const unsupported = 'the bridge does not support it';

/** Lists what is registered. */
export const listRegistrations = async (options: ListOptions): Promise<void> => {
  const { account, url } = await openTarget(options);
  const [state, desired] = await Promise.all([readRegistrations(account), desiredRegistrations(account, url)]);
  const registrations = state.registrations.map((one) => {
    const ours = isSameUrl(one.url, url);
    const supported = desired.actions.includes(one.action ?? '');
    const wrong = supported ? formatMismatches(findMismatches(one, desired.mark)) : unsupported;
    return { id: one.id, action: one.action, url: one.url, type: one.type, ours, wrong: ours ? wrong : '' };
  });
  const missing = planChanges(state, desired)
    .create.filter(({ mismatches }) => mismatches.length === 0)
    .map(({ action }) => action);
  if (options.json) return printJson({ ok: true, url, enabled: state.enabled, registrations, missing });
  printTable(
    registrations.map(({ id, action, url: to, type, ours, wrong }) => ({
      action,
      to,
      type,
      id,
      '': ours ? colours.yellow(wrong) : colours.dim('another address'),
    })),
  );
  if (missing.length > 0) print(colours.yellow(`Not registered: ${missing.join(', ')}. Run \`webhooks sync\`.`));
  if (!state.enabled) print(colours.red('Webhooks are disabled for the license. Run `webhooks sync`.'));
};

/** Removes the registrations of an address. */
export const removeRegistrations = async (options: RemoveOptions): Promise<void> => {
  const { account, url } = await openTarget(options);
  const { registrations } = await readRegistrations(account);
  const removed = registrations
    .filter((one) => isSameUrl(one.url, url) && (options.action?.includes(one.action ?? '') ?? true))
    .map(({ id, action }) => ({ action: action ?? '', id }));
  if (removed.length > 0) {
    if (!options.json) {
      print(`Registered for ${url}:`);
      printTable(removed);
    }
    const count = removed.length === 1 ? 'this registration' : `these ${removed.length} registrations`;
    await confirm(`Remove ${count}?`, options);
    await withProgress('Removing', removed.length, async ({ step }) => {
      for (const { id } of removed) {
        await unregisterWebhook(account, id);
        step();
      }
    });
  }
  if (options.json) printJson({ ok: true, url, removed });
  else print(removed.length === 0 ? `Nothing is registered for ${url}.` : 'Removed.');
};

/** Changes LiveChat's registrations to what the bridge needs. */
export const syncRegistrations = async (options: SyncOptions): Promise<void> => {
  const { account, url } = await openTarget(options);
  const makePlan = options.rotateSecret ? planRotation : planSync;
  const sync = await makePlan(account, url, await readRegistrations(account));
  const { plan, desired, isNew } = sync;
  const lines = planLines(plan);
  if (!options.json) printPlan(lines, sync, account);
  if (countSteps(plan) > 0 && !options.dryRun) {
    await confirm('Apply these changes at LiveChat?', options);
    await apply(sync, account, options);
  }
  const ok = plan.blocked.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  const rotated = isNew && !options.dryRun;
  if (options.json) printJson({ ok, url, apiVersion: desired.mark.version, rotated, plan: lines });
  else if (options.dryRun) print('Nothing was changed.');
  else if (!isUpToDate(plan)) print(ok ? colours.green('Done.') : colours.red('Done, except for what is blocked.'));
};

const apply = async (sync: PlannedSync, account: Account, options: SyncOptions) => {
  const { plan, isNew } = sync;
  if (isNew) await storeWebhookSecret(account, sync.secret);
  const storedAt = isNew ? systemClock.now() : account.stored.changedAt;
  const delays = {
    propagationMs: options.propagationSeconds * 1000,
    cacheMs: (options.cacheSeconds ?? wholeNumber('SECRET_CACHE_SECONDS', 300)) * 1000,
  };
  await withProgress('Registering', countSteps(plan), ({ step, say }) =>
    applyChanges(sync, {
      ...{ account, storedAt, delays, clock: systemClock },
      onProgress: (progress) => (progress.status === 'waiting' ? say(formatWait(progress.until)) : step()),
    }),
  );
};

const formatWait = (until: number): string =>
  `Waiting until ${new Date(until).toTimeString().slice(0, 8)} for the changes to take effect. If interrupted, run the same command again to continue.`;

const countSteps = ({ removeFirst, create, remove, enable }: RegistrationPlan): number =>
  removeFirst.length + create.length + remove.length + (enable ? 1 : 0);

const lineColours = {
  keep: colours.dim,
  create: colours.green,
  replace: colours.yellow,
  remove: colours.red,
  enable: colours.green,
  blocked: colours.red,
};

const planLine = (action: string | null | undefined, does: keyof typeof lineColours, why: string) => ({
  action: action ?? '',
  does,
  why,
});

const printPlan = (
  lines: ReturnType<typeof planLines>,
  { plan, desired, isNew }: PlannedSync,
  account: Account,
): void => {
  print(`Application ${requireClientId(account)}, webhooks to ${desired.url}, API ${desired.mark.version}`);
  if (isNew) print(`A new webhook secret is stored in ${account.stored.name}; the old one is accepted for 24 h.`);
  printTable(lines.map(({ action, does, why }) => ({ action, plan: lineColours[does](does), why })));
  if (isUpToDate(plan)) print('All registrations are up to date.');
};

const removalReasons = {
  replaced: 'another registration has replaced it',
  duplicate: 'it is a duplicate',
  'not supported': unsupported,
} as const;

const removedFirst =
  '; LiveChat allows three, so one is removed first, and webhooks are missed until the new registration is in effect';

/** One line for each registration that exists or changes. */
const planLines = ({ keep, removeFirst, create, remove, blocked, enable }: RegistrationPlan) => {
  const full = new Set(removeFirst.map(({ action }) => action));
  const replaced = new Set(create.filter(({ mismatches }) => mismatches.length > 0).map(({ action }) => action));
  return [
    ...keep.map(({ action }) => planLine(action, 'keep', '')),
    ...create.map(({ action, mismatches }) =>
      mismatches.length === 0
        ? planLine(action, 'create', 'it is not registered')
        : planLine(action, 'replace', `${formatMismatches(mismatches)}${full.has(action) ? removedFirst : ''}`),
    ),
    ...remove
      .filter(({ action, reason }) => reason !== 'replaced' || !replaced.has(action))
      .map(({ action, reason }) => planLine(action, 'remove', removalReasons[reason])),
    ...blocked.map(({ action, others }) =>
      planLine(action, 'blocked', `LiveChat allows three; remove one of ${others.map(({ url }) => url).join(', ')}`),
    ),
    ...(enable ? [planLine('all', 'enable', 'webhooks are disabled for the license')] : []),
  ];
};
