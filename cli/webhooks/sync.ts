import type { Account } from '../../core/livechat/connection.ts';
import { isUpToDate, type RegistrationPlan, type RegistrationState } from '../../core/livechat/registration-plan.ts';
import {
  applyChanges,
  type PlannedSync,
  planRotation,
  planSync,
  RotationError,
  readRegistrations,
  requireClientId,
  type Step,
  storeWebhookSecret,
} from '../../core/livechat/registration-sync.ts';
import { systemClock } from '../../core/platform/clock.ts';
import type { StageOutputs } from '../../core/platform/configuration.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import { confirm } from '../confirm.ts';
import { CliError, exitCodes } from '../errors.ts';
import { colours, print, printJson, printTable } from '../output.ts';
import { type Progress, withProgress } from '../progress.ts';
import { openTarget } from './target.ts';
import { type Line, linesOf } from './words.ts';

interface Given {
  readonly organization?: string | undefined;
  readonly url?: string | undefined;
  readonly rotateSecret: boolean;
  readonly dryRun: boolean;
  readonly settleSeconds: number;
  readonly cacheSeconds?: number | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

const intend = async (
  account: Account,
  url: string,
  state: RegistrationState,
  { rotateSecret }: Given,
): Promise<PlannedSync> => {
  if (!rotateSecret) return planSync(account, url, state);
  try {
    return await planRotation(account, url, state);
  } catch (error) {
    throw error instanceof RotationError ? new CliError(error.message, { cause: error }) : error;
  }
};

const colourOf: Readonly<Record<Line['does'], (text: string) => string>> = {
  keep: colours.dim,
  create: colours.green,
  replace: colours.yellow,
  remove: colours.red,
  enable: colours.green,
  blocked: colours.red,
};

const show = (lines: readonly Line[], { plan, desired, isNew }: PlannedSync, account: Account): void => {
  print(`Application ${requireClientId(account)}, webhooks to ${desired.url}, API ${desired.mark.version}`);
  if (isNew) print(`A new webhook secret goes into ${account.stored.name}; the old one is accepted for another 24 h.`);
  printTable(
    ['action', 'plan', 'why'],
    lines.map(({ action, does, why }) => [action, colourOf[does](does), why]),
  );
  if (isUpToDate(plan)) print('Everything is as it ought to be.');
};

const waiting = (until: number): string =>
  `Waiting until ${new Date(until).toTimeString().slice(0, 8)} for changes to hold everywhere; interrupted, the same command goes on from here.`;

const stepsOf = ({ removeFirst, create, remove, enable }: RegistrationPlan): number =>
  removeFirst.length + create.length + remove.length + (enable ? 1 : 0);

const doIt = async ({ plan, desired, secret, isNew }: PlannedSync, account: Account, given: Given): Promise<void> => {
  if (isNew) await storeWebhookSecret(account, secret);
  const storedAt = isNew ? systemClock.now() : account.stored.changedAt;
  const propagationMs = given.settleSeconds * 1000;
  const cacheMs = (given.cacheSeconds ?? wholeNumber('SECRET_CACHE_SECONDS', 300)) * 1000;
  const delays = { propagationMs, cacheMs };
  const onStep =
    ({ step, say }: Progress) =>
    (done: Step) =>
      done.did === 'waiting' ? say(waiting(done.until)) : step();
  await withProgress('Registering', stepsOf(plan), (progress) =>
    applyChanges(plan, { account, desired, secret, storedAt, delays, clock: systemClock, onStep: onStep(progress) }),
  );
};

/** Brings LiveChat's registrations to what the bridge needs. */
export const sync = async (given: Given, bridge: StageOutputs): Promise<void> => {
  const { account, url } = await openTarget(given, bridge);
  const state = await readRegistrations(account);
  const intent = await intend(account, url, state, given);
  const { plan, desired, isNew } = intent;
  const lines = linesOf(plan);
  if (!given.json) show(lines, intent, account);
  if (stepsOf(plan) > 0 && !given.dryRun) {
    await confirm('Do this at LiveChat?', given);
    await doIt(intent, account, given);
  }
  const ok = plan.blocked.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  const rotatedNow = isNew && !given.dryRun;
  if (given.json) printJson({ ok, url, apiVersion: desired.mark.version, rotated: rotatedNow, plan: lines });
  else if (given.dryRun) print('Nothing was done.');
  else if (!isUpToDate(plan)) print(ok ? colours.green('Done.') : colours.red('What is blocked was not done.'));
};
