import * as z from 'zod/mini';
import type { FormAnswer } from '../events/schemas.ts';

const option = z.looseObject({ label: z.string() });
/** A text field's answer is its text; a choice is told with its label, and several choices as a list. */
const answer = z.union([
  z.string(),
  z.pipe(
    option,
    z.transform(({ label }) => label),
  ),
]);
const field = z.looseObject({
  id: z.string(),
  label: z.string(),
  answer: z.optional(answer),
  answers: z.optional(z.array(answer)),
});

/** The answers of a `filled_form` event's fields. What is no answered field is passed over. */
export function answersOf(fields: unknown): FormAnswer[] {
  if (!Array.isArray(fields)) return [];
  return fields.flatMap((one): FormAnswer[] => {
    const parsed = field.safeParse(one);
    if (!parsed.success) return [];
    const { id, label, answer, answers = [] } = parsed.data;
    const values = [...(answer === undefined ? [] : [answer]), ...answers].filter((value) => value !== '');
    return values.length > 0 ? [{ id, label, values }] : [];
  });
}
