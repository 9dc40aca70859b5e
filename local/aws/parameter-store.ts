import * as z from 'zod/mini';
import type { State } from '../state.ts';
import { AwsError, createService, parseInput } from './protocol.ts';

const getSchema = z.object({ Name: z.string() });
/** The limit of a parameter of the tier Standard, the default. */
const maxValueBytes = 4_096;
const putSchema = z.object({
  Name: z.string().check(z.regex(/^(?!\/?(aws|ssm))[\w./-]{1,1011}$/i)),
  Value: z.string().check(
    z.minLength(1),
    z.refine((text) => Buffer.byteLength(text) <= maxValueBytes, `expected at most ${maxValueBytes} bytes`),
  ),
  Type: z.optional(z.literal('String')),
  Overwrite: z.optional(z.boolean()),
});

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
    const { Name, Value, Type, Overwrite = false } = parseInput(putSchema, input);
    const before = parameters.get(Name);
    if (before && !Overwrite) throw new AwsError('ParameterAlreadyExists', `Parameter ${Name} already exists.`);
    if (!before && !Type) {
      throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.');
    }
    const version = (before?.version ?? 0) + 1;
    parameters.put(Name, { value: Value, version });
    return { Version: version, Tier: 'Standard' };
  }

  return createService('SSM', { GetParameter: get, PutParameter: put });
}
