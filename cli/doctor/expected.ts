import type { ExpectedRule } from '../../core/doctor/rules.ts';
import type { ExpectedTable } from '../../core/doctor/tables.ts';
import type { Environment } from '../../core/platform/configuration.ts';
import { patternOf, rules, stateMachines, tables } from '../../stacks/topology.ts';

/** What there ought to be, by the topology and the names that the stage gave. */

export const expectedTables = (environment: Environment): ExpectedTable[] =>
  Object.values(tables).map(({ layout, variable }) => ({ layout, variable, name: environment[variable] }));

export const expectedRules = (environment: Environment): ExpectedRule[] =>
  Object.entries(rules).map(([name, rule]) => ({
    name,
    pattern: patternOf(rule, () => environment[stateMachines.send.variable] ?? ''),
    onDefaultBus: rule.bus === 'default',
  }));
