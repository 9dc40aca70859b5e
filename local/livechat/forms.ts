import type { EventContent, FilledField } from './shapes.ts';

export interface FormAnswer {
  readonly type: string;
  readonly label: string;
  readonly answer: string | readonly string[];
}

const formId = '1002';

const options = (labels: readonly string[]) => labels.map((label, index) => ({ id: String(index), label }));

/** LiveChat gives a choice as an object, several as a list of them, and everything else as text. */
const filledField = ({ type, label, answer }: FormAnswer, id: string, group: number): FilledField => {
  const field = { type, id, label };
  const labels = typeof answer === 'string' ? [answer] : answer;
  if (type === 'checkbox') return { ...field, answers: options(labels) };
  const text = labels.join(', ');
  if (type === 'group_chooser') return { ...field, answer: { id: '0', group_id: group, label: text } };
  if (type === 'radio' || type === 'select') return { ...field, answer: { id: '0', label: text } };
  return { ...field, answer: text };
};

export const preChatForm = (
  answers: readonly FormAnswer[],
  group: number,
): Extract<EventContent, { type: 'filled_form' }> => ({
  type: 'filled_form',
  form_id: formId,
  form_type: 'prechat',
  fields: answers.map((answer, index) => filledField(answer, `${formId}${index + 1}`, group)),
});
