import * as z from 'zod/mini';
import type { State } from '../state.ts';
import { AwsError, createService, parseInput } from './protocol.ts';

const getSchema = z.object({ Name: z.string() });
const putSchema = z.object({ Name: z.string(), Value: z.string(), Overwrite: z.optional(z.boolean()) });

interface Parameter {
  readonly value: string;
  readonly version: number;
}

/** SSM Parameter Store: GetParameter and PutParameter for a stage's outputs. */
export function createParameters(state: State) {
  const parameters = state.collection<Parameter>('parameters');

  function get(input: unknown) {
    const { Name } = parseInput(getSchema, input);
    const found = parameters.get(Name);
    if (!found) throw new AwsError('ParameterNotFound', `Parameter ${Name} not found.`);
    return { Parameter: { Name, Type: 'String', Value: found.value, Version: found.version } };
  }

  function put(input: unknown) {
    const { Name, Value, Overwrite = false } = parseInput(putSchema, input);
    const before = parameters.get(Name);
    if (before && !Overwrite) throw new AwsError('ParameterAlreadyExists', `Parameter ${Name} already exists.`);
    const version = (before?.version ?? 0) + 1;
    parameters.put(Name, { value: Value, version });
    return { Version: version, Tier: 'Standard' };
  }

  return createService('SSM', { GetParameter: get, PutParameter: put });
}
