import type { Account } from '../../core/livechat/connection.ts';
import { isDone, type Plan, type Seen } from '../../core/livechat/registration-plan.ts';
import {
  carryOut,
  clientIdOf,
  type Intent,
  intendRotation,
  intendSync,
  look,
  RotationStopped,
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

const intend = async (account: Account, url: string, seen: Seen, { rotateSecret }: Given): Promise<Intent> => {
  if (!rotateSecret) return intendSync(account, url, seen);
  try {
    return await intendRotation(account, url, seen);
  } catch (error) {
    throw error instanceof RotationStopped ? new CliError(error.message, { cause: error }) : error;
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

const show = (lines: readonly Line[], { plan, wish, isNew }: Intent, account: Account): void => {
  print(`Application ${clientIdOf(account)}, webhooks to ${wish.url}, API ${wish.mark.version}`);
  if (isNew) print(`A new webhook secret goes into ${account.stored.name}; the old one is accepted for another 24 h.`);
  printTable(
    ['action', 'plan', 'why'],
    lines.map(({ action, does, why }) => [action, colourOf[does](does), why]),
  );
  if (isDone(plan)) print('Everything is as it ought to be.');
};

const waiting = (until: number): string =>
  `Waiting until ${new Date(until).toTimeString().slice(0, 8)} for changes to hold everywhere; interrupted, the same command goes on from here.`;

const stepsOf = ({ first, create, remove, enable }: Plan): number =>
  first.length + create.length + remove.length + (enable ? 1 : 0);

const doIt = async ({ plan, wish, secret, isNew }: Intent, account: Account, given: Given): Promise<void> => {
  if (isNew) await storeWebhookSecret(account, secret);
  const storedAt = isNew ? systemClock.now() : account.stored.changedAt;
  const settleMs = given.settleSeconds * 1000;
  const cacheMs = (given.cacheSeconds ?? wholeNumber('SECRET_CACHE_SECONDS', 300)) * 1000;
  const delays = { settleMs, cacheMs };
  const onStep =
    ({ step, say }: Progress) =>
    (done: Step) =>
      done.did === 'waiting' ? say(waiting(done.until)) : step();
  await withProgress('Registering', stepsOf(plan), (progress) =>
    carryOut(plan, { account, wish, secret, storedAt, delays, clock: systemClock, onStep: onStep(progress) }),
  );
};

/** Brings LiveChat's registrations to what the bridge needs. */
export const sync = async (given: Given, bridge: StageOutputs): Promise<void> => {
  const { account, url } = await openTarget(given, bridge);
  const seen = await look(account);
  const intent = await intend(account, url, seen, given);
  const { plan, wish, isNew } = intent;
  const lines = linesOf(plan);
  if (!given.json) show(lines, intent, account);
  if (stepsOf(plan) > 0 && !given.dryRun) {
    await confirm('Do this at LiveChat?', given);
    await doIt(intent, account, given);
  }
  const ok = plan.full.length === 0;
  if (!ok) process.exitCode = exitCodes.failure;
  const rotatedNow = isNew && !given.dryRun;
  if (given.json) printJson({ ok, url, apiVersion: wish.mark.version, rotated: rotatedNow, plan: lines });
  else if (given.dryRun) print('Nothing was done.');
  else if (!isDone(plan)) print(ok ? colours.green('Done.') : colours.red('What is blocked was not done.'));
};
