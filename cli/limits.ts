import {
  commandRateLimit,
  type RateLimitCommand,
  type RateLimitView,
  readRateLimit,
} from '../core/channel/rate-limit-store.ts';
import { chooseOrganization, chooseOrganizations } from './bridge.ts';
import type { ChangeOptions, ShowOptions } from './commands/limits.ts';
import { colours, printJson } from './output.ts';
import { confirm } from './prompts.ts';
import { printTable } from './table.ts';

const describeBreaker = ({ breaker, reason, openUntil }: RateLimitView): string => {
  if (breaker === 'closed') return colours.green('closed');
  if (breaker === 'half-open') return colours.yellow('half-open');
  return colours.red(`open: ${reason || 'failures'}, the first call after ${openUntil?.slice(0, 19)} is a probe call`);
};

const printRateLimits = (rateLimits: readonly RateLimitView[]): void => {
  printTable(
    rateLimits.map((rateLimit) => ({
      organization: rateLimit.organizationId,
      sending: rateLimit.paused ? colours.yellow('paused') : 'on',
      'circuit breaker': describeBreaker(rateLimit),
      'calls/s': rateLimit.callsPerSecond,
      configured: rateLimit.baseCallsPerSecond,
      'sends/s': rateLimit.sendsPerSecond,
      backlog: `${rateLimit.backlogSeconds} s`,
      'last 30 s': `${rateLimit.failures} failed calls`,
    })),
    'No organization has a conversation yet.',
  );
};

/** Prints the rate limit of one or all organizations. */
export const showRateLimits = async ({ organization, json }: ShowOptions): Promise<void> => {
  const ids = await chooseOrganizations(organization);
  const rateLimits = await Promise.all(ids.map((id) => readRateLimit(id, Date.now())));
  if (json) printJson({ ok: true, rateLimits });
  else printRateLimits(rateLimits);
};

/** Pauses or resumes an organization, or sets its rate. */
export const changeRateLimit = async (options: ChangeOptions, command: RateLimitCommand): Promise<void> => {
  const organizationId = await chooseOrganization(options.organization);
  if (command.do === 'pause') await confirm(`Pause sending and routing of ${organizationId}?`, options);
  const rateLimit = await commandRateLimit(organizationId, command, Date.now());
  if (options.json) printJson({ ok: true, rateLimit });
  else printRateLimits([rateLimit]);
};
