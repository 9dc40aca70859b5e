import { confirmedCommand, minLength, option, pastTime, uuid } from '../command.ts';
import { UsageError } from '../errors.ts';

export const backfill = confirmedCommand('backfill', {
  description:
    'Publishes events whose webhooks were lost: compares the chats that the channel lists with those that are stored.',
  examples: [
    'backfill --since 2h --dry-run',
    'backfill --since 2h --stage production',
    'backfill --since 2026-11-27T14:00:00Z --until 2026-11-27T15:30:00Z --yes --json',
    'backfill --chat T8RM2K0V9X --stage production',
  ],
})
  .addOption(
    option(
      '--since <time>',
      'the start of the period: 2h or 7d ago, or a time such as 2026-11-27T14:00:00Z (required without --chat)',
      pastTime,
    ),
  )
  .addOption(option('--until <time>', 'the end of the period, in the same form (default: now)', pastTime))
  .addOption(option('--organization <uuid>', 'the organization (default: all)', uuid))
  .addOption(option('--chat <id>', 'only the chat with this id, with all of its threads', minLength(1, "a chat's id")))
  .option('--dry-run', 'compare and count, without publishing')
  .addHelpText(
    'after',
    `
The period is read again until a pass finds no difference. Nothing is sent to customers, and no chat is routed. After
Ctrl-C the command prints how to continue. The exit code is 0 only if the last pass found no difference, or after a dry run.`,
  );
export type BackfillOptions = ReturnType<typeof backfill.opts>;

/** A run of one chat reads all of its threads, whatever the period. */
const defaultSinceMs = 86_400_000;

backfill.action(async (options) => {
  const { chat, until = Date.now() } = options;
  const since = options.since ?? (chat === undefined ? undefined : until - defaultSinceMs);
  if (since === undefined) throw new UsageError('Pass --since, such as --since 2h, or --chat.');
  if (since >= until) throw new UsageError('--since must be before --until.');
  const period = { from: new Date(since).toISOString(), to: new Date(until).toISOString() };
  await (await import('../backfill.ts')).runBackfill(period, options);
});
