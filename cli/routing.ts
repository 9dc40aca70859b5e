import * as z from 'zod/mini';
import { channelName } from '../core/channel/spec.ts';
import { translate } from '../core/livechat/translate.ts';
import { type Condition, isTest, listTests } from '../core/routing/conditions.ts';
import { compareRules, dryRunConversations, type ThreadDryRun } from '../core/routing/dry-run.ts';
import { factsAtStart, isRoutable } from '../core/routing/facts.ts';
import {
  type Evaluation,
  InvalidRulesError,
  type PlannedAction,
  parseRules,
  planActions,
  type RuleResult,
  type RuleSet,
  type Target,
} from '../core/routing/rules.ts';
import {
  activeRules,
  applyRules,
  findRules,
  listVersions,
  restoreVersion,
  type VersionedRules,
} from '../core/routing/store.ts';
import { chooseOrganization } from './bridge.ts';
import type { ApplyOptions, ShowOptions, TestOptions } from './commands/routing.ts';
import { CliError, UsageError } from './errors.ts';
import { readJson } from './files.ts';
import { colours, print, printable, printJson } from './output.ts';
import { withProgress } from './prompts.ts';
import { readRecordedBodies } from './simulate/replay.ts';
import { printTable } from './table.ts';

const noSuchVersion = (version: number | undefined) =>
  new CliError(`There is no version ${version} of this organization's rules.`);

/** Prints rules and the list of versions. */
export const showRules = async ({ organization, version, json }: ShowOptions): Promise<void> => {
  const organizationId = await chooseOrganization(organization);
  const [active, versions] = await Promise.all([activeRules(organizationId), listVersions(organizationId)]);
  const shown = version === undefined ? active : await findRules(organizationId, version);
  if (!shown) throw noSuchVersion(version);
  if (json) return printJson({ ok: true, organizationId, activeVersion: active.version, shown, versions });
  printRules(shown, shown.version === active.version, channelName(organizationId));
  if (versions.length === 0) return;
  print('');
  printTable(
    versions.map(({ version, createdAt, comment = '' }) => ({
      version,
      created: createdAt?.slice(0, 19),
      comment: printable(comment),
    })),
  );
};

const printRules = (shown: VersionedRules, isActive: boolean, channel: string): void => {
  const { version, comment, createdAt } = shown;
  const { rules, match } = shown.ruleSet;
  const title =
    version === 0
      ? 'The default rules'
      : `Version ${version} of ${createdAt?.slice(0, 19)}${comment === undefined ? '' : `: ${printable(comment)}`}`;
  print(`${title}${isActive ? colours.green('  active') : ''}`);
  if (rules.length === 0) {
    print(`No rules: ${channel}'s own routing assigns every chat.`);
    return;
  }
  print(match === 'first' ? 'Only the first rule that matches applies.' : 'Every rule that matches applies.');
  printTable(
    rules.map((rule) => ({
      rule: printable(rule.name),
      condition: printable(formatCondition(rule.when)),
      actions: printable(formatActions(planActions([rule]))),
    })),
  );
};

/** Activates a file as a new version, or an earlier version. */
export const applyRulesFrom = async (options: ApplyOptions): Promise<void> => {
  const { organization, rules: file, version = 0, comment, replaces, json } = options;
  const candidate = file === undefined ? undefined : await readRules(file);
  const organizationId = await chooseOrganization(organization);
  const applied = candidate
    ? await applyRules(organizationId, candidate, comment, new Date().toISOString(), replaces)
    : await restoreVersion(organizationId, version, Date.now(), replaces);
  if (!applied) throw noSuchVersion(version);
  const { version: active, changed, isConflict } = applied;
  if (isConflict) throw new CliError(`Version ${active.version} is active, not ${replaces}: nothing was changed.`);
  if (json) return printJson({ ok: true, organizationId, version: active.version, changed });
  const name = active.version === 0 ? 'The default rules are' : `Version ${active.version} is`;
  print(changed ? `${name} active.` : `${name} already active with the same rules: nothing was changed.`);
};

/** Compares a file with the active rules, on stored conversations or recorded webhooks. */
export const testRules = async (options: TestOptions): Promise<void> => {
  const { rules, payload, conversations: limit = 50, explain, json } = options;
  const candidate = await readRules(rules);
  const recorded = payload && (await readPayloads(payload));
  const organizationId = await chooseOrganization(options.organization ?? recorded?.organizationId);
  const { version, ruleSet: active } = await activeRules(organizationId);
  const results = recorded
    ? recorded.chats.map(({ facts, ...thread }) => ({ ...thread, ...compareRules(active, candidate, facts) }))
    : await withProgress('Testing the rules on conversations', limit, ({ step: onProgress }) =>
        dryRunConversations({ organizationId, active, candidate, limit, onProgress }),
      );
  const differing = results.filter(({ differs }) => differs).length;
  if (json) return printJson({ ok: true, organizationId, activeVersion: version, differing, results });
  if (results.length === 0) {
    print('There is no stored conversation that a customer started.');
    return;
  }
  printTable(
    results.map(({ conversationId, active, candidate, differs }) => ({
      chat: printable(conversationId),
      [version === 0 ? 'active: the default rules' : `active: version ${version}`]: printable(formatEvaluation(active)),
      'with the file': printable(formatEvaluation(candidate)),
      '': differs ? colours.yellow('differs') : colours.dim('same'),
    })),
  );
  print('');
  print(`${differing} of ${results.length} chats would be routed differently.`);
  if (explain) printReasons(results, candidate);
};

const printReasons = (results: readonly ThreadDryRun[], rules: RuleSet): void => {
  for (const { conversationId, candidate } of results) {
    print('');
    print(colours.bold(printable(conversationId)));
    for (const line of candidate.evaluated.flatMap((one) => formatRuleResult(one, rules)))
      print(`  ${printable(line)}`);
  }
};

/** @throws CliError with the file's name and each invalid field */
const readRules = async (file: string): Promise<RuleSet> => {
  const content = await readJson(file, z.unknown(), 'routing rules');
  try {
    return parseRules(content);
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    const lines = error.issues.map(({ path, message }) => `  ${path}: ${message}`);
    throw new CliError(`${file} has invalid routing rules:\n${lines.join('\n')}`, { cause: error });
  }
};

const webhookBody = z.looseObject({
  action: z.literal('incoming_chat'),
  organization_id: z.optional(z.string()),
  payload: z.unknown(),
});

/**
 * Reads the chats of recorded `incoming_chat` bodies, and their organization if the bodies have one. Skips other bodies, and
 * threads that a customer did not start.
 *
 * @throws CliError if no chat remains, or a body is invalid
 */
const readPayloads = async (paths: readonly string[]) => {
  const bodies = (await readRecordedBodies(paths)).flatMap(({ file, body }) => {
    const { data } = webhookBody.safeParse(body);
    return data ? [{ file, ...data }] : [];
  });
  const [organizationId, another] = new Set(bodies.map((body) => body.organization_id?.toLowerCase()));
  if (another !== undefined) throw new UsageError('The bodies belong to several organizations: pass those of one.');
  const chats = bodies.flatMap(({ file, action, payload }) => {
    const webhook = { organizationId: 'recorded', action, payload, receivedAt: new Date().toISOString() };
    return translate(webhook, {}).flatMap((event) => {
      if (event.type === 'webhook.rejected') {
        const issues = event.data.issues.map(({ path, message }) => `${path}: ${message}`);
        throw new CliError(`${file} is not a valid incoming_chat body: ${issues.join('; ')}`);
      }
      if (event.type !== 'chat.started' || !isRoutable(event.data)) return [];
      const { conversationId, threadId, createdAt: startedAt } = event.data;
      return [{ conversationId, threadId, startedAt, facts: factsAtStart(event.data) }];
    });
  });
  if (chats.length > 0) return { organizationId, chats };
  throw new CliError(`No customer starts a chat in ${paths.join(', ')}: pass bodies of incoming_chat webhooks.`);
};

const formatTarget = (target: Target): string => {
  if ('agent' in target) return target.agent;
  return `group ${target.group}${target.queue ? ' or its queue' : ''}`;
};

const maxTextLength = 40;
const truncate = (text: string): string =>
  text.length > maxTextLength ? `${text.slice(0, maxTextLength - 1).trimEnd()}…` : text;

/** Transfers are last: their targets are tried in order. */
const formatActions = (planned: readonly PlannedAction[]): string => {
  const targets = planned.flatMap((one) => (one.action === 'transfer' ? formatTarget(one.target) : []));
  const others = planned.flatMap((one) => {
    if (one.action === 'transfer') return [];
    if (one.action === 'tag') return `tag ${one.tag}`;
    return one.action === 'priority' ? `priority ${one.priority}` : `${one.action} “${truncate(one.text)}”`;
  });
  return [...others, ...(targets.length > 0 ? [`transfer to ${targets.join(', else ')}`] : [])].join('; ');
};

const formatEvaluation = ({ matched, actions, evaluated }: Evaluation): string => {
  const done = matched.length === 0 ? [] : [`${matched.join(', ')}: ${formatActions(actions)}`];
  const waits = evaluated.flatMap(({ rule, result }) =>
    result === 'waits' ? [`${rule} waits for the first message`] : [],
  );
  return [...done, ...waits].join('; ') || 'no rule matches';
};

const formatCondition = (condition: Condition | undefined): string => {
  if (condition === undefined) return 'always';
  if (isTest(condition)) {
    const { fact, ...operation } = condition;
    return Object.entries(operation)
      .map(([operator, operand]) => `${fact} ${operator} ${JSON.stringify(operand)}`)
      .join(' ');
  }
  if ('not' in condition) return `not (${formatCondition(condition.not)})`;
  const [parts, conjunction] = 'all' in condition ? [condition.all, ' and '] : [condition.any, ' or '];
  const [only, another] = parts;
  if (only && !another) return formatCondition(only);
  return parts.map((part) => (isTest(part) ? formatCondition(part) : `(${formatCondition(part)})`)).join(conjunction);
};

const truthText = { true: 'holds', false: 'does not hold', unknown: 'is not known yet' } as const;
const negatedText = {
  true: 'holds, and should not',
  false: 'does not hold, as it should be',
  unknown: truthText.unknown,
} as const;
const isNegated = (path: string): boolean => path.split('.').filter((step) => step === 'not').length % 2 === 1;

/** Why a rule matched or did not: the tests that decided it. */
const formatRuleResult = ({ rule: name, result, reasons }: RuleResult, { rules }: RuleSet): readonly string[] => {
  const tests = listTests(rules.find((rule) => rule.name === name)?.when);
  const lines = reasons.map(({ path, fact, operator, result: truth }) => {
    const test = tests.find((one) => one.path === path)?.test;
    const text = test ? formatCondition(test) : `${fact} ${operator}`;
    return `  ${text}: ${(isNegated(path) ? negatedText : truthText)[`${truth}`]}`;
  });
  return [`${name}: ${result}`, ...lines];
};
