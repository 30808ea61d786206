"""The fixed sentences of the case page per story and stage: headline, meaning, what to do, what may come.

Never free text, never a name. Time limits of the law stand in config/rights, not here.
"""

from collections.abc import Mapping

from caseq.rules.case import Role
from caseq.web.language import N_
from caseq.web.stage import Stage, Story

#: (headline, one line of meaning)
Said = tuple[str, str]

_EMPTY = (N_("还没有公开给您的内容"), N_("有了可以公开的内容，最晚 5 个工作日内写到这里。"))
_NEUTRAL_STAGES: Mapping[Stage, Said] = {
    Stage.EMPTY: _EMPTY,
    Stage.HEARING: (N_("有听证程序，还没有处理决定"), N_("听证是作决定前听取意见的会。")),
    Stage.MEDIATION: (N_("正在调解，还没有处理决定"), N_("调解要双方自愿。谈不成，案件继续办理。")),
    Stage.MEDIATION_STOPPED: (N_("调解没有谈成，案件继续办理"), N_("公安机关会继续处理这个案件。")),
    Stage.AGREEMENT: (N_("双方达成了调解协议"), N_("请按协议写的去做。没有做到的，案件可能继续办理。")),
    Stage.PERFORMED: (N_("调解协议已经履行"), N_("协议里写的事已经做到。")),
    Stage.NOTICE: (N_("公安机关打算处罚，还没有决定"), N_("现在可以说明情况、提出申辩。")),
    Stage.PENALTY: (N_("已经作出行政处罚决定"), N_("决定的内容以决定书原件为准。")),
    Stage.NO_PENALTY: (N_("决定不予行政处罚"), N_("理由以决定书原件为准。")),
    Stage.DECIDED: (N_("已经作出处理决定"), N_("有的处罚，有的不处罚。请看下面的记录。")),
    Stage.TERMINATED: (N_("案件调查已经终止"), N_("公安机关决定不再调查。理由以决定书原件为准。")),
    Stage.NO_INVESTIGATION: (N_("决定不予调查处理"), N_("理由看下面的记录。不同意，可以打下面的电话问。")),
    Stage.RECORDS: (N_("有公开给您的内容"), N_("内容在下面的进展记录里。")),
    Stage.FILED: (N_("已经立案，正在调查"), N_("公安机关决定正式调查这个案件。")),
    Stage.ACCEPTED: (N_("已经受案，正在调查"), N_("公安机关已经登记，正在查清情况。")),
    Stage.NOT_FILED: (N_("公安机关决定不立案"), N_("理由看下面的记录和通知书。不同意，可以申请复议。")),
    Stage.MEASURE: (N_("采取了强制措施，案件还在调查"), N_("这是调查期间的措施，不等于认定有罪。")),
    Stage.LIFTED: (N_("强制措施已经解除，案件还在办理"), N_("解除措施不等于案件结束。")),
    Stage.OPINION: (N_("已经有鉴定意见，案件还在调查"), N_("内容由办案民警告知，不在网上显示。")),
    Stage.SOLVED: (N_("已经查到嫌疑人，还在继续调查"), N_("民警还在收集证据。是否有罪由法院判定。")),
    Stage.TRANSFERRED: (
        N_("案件已经移送检察院"),
        N_("移送不等于认定有罪。检察院会审查，再决定是否起诉。"),
    ),
    Stage.WITHDRAWN: (N_("案件已经撤销"), N_("公安机关决定撤销这个案件。以决定书原件为准。")),
    Stage.STOPPED: (N_("公安机关不再侦查这一方"), N_("以决定书原件为准。案件可能还在办理。")),
}

_BY_STORY: Mapping[tuple[Story, Stage], Said] = {
    (Story.CRIMINAL_VICTIM, Stage.MEASURE): (
        N_("对嫌疑人采取过措施，还在继续调查"),
        N_("现在是否还在执行，请问办案单位。"),
    ),
    (Story.CRIMINAL_VICTIM, Stage.TRANSFERRED): (
        N_("案件已经移送检察院"),
        N_("检察院会审查，再决定是否起诉。"),
    ),
    (Story.CRIMINAL_SUSPECT, Stage.STOPPED): (
        N_("公安机关决定不再侦查您这一方"),
        N_("以决定书原件为准。案件可能还在办理。"),
    ),
    (Story.TRADE, Stage.RECORDS): (N_("您单位的检查和处罚记录"), N_("最新的在最上面。")),
}

#: The measure in force in the headline, for the suspect, the family and, neutrally, everybody else.
_MEASURES: Mapping[str, tuple[str, str, str]] = {
    "summons_by_force": (
        N_("您被拘传，案件还在调查"),
        N_("您的家人被拘传，案件还在调查"),
        N_("采取了拘传，案件还在调查"),
    ),
    "bail_pending_trial": (
        N_("您被取保候审，案件还在调查"),
        N_("您的家人被取保候审，案件还在调查"),
        N_("采取了取保候审，案件还在调查"),
    ),
    "residential_surveillance": (
        N_("您被监视居住，案件还在调查"),
        N_("您的家人被监视居住，案件还在调查"),
        N_("采取了监视居住，案件还在调查"),
    ),
    "criminal_detention": (
        N_("您被刑事拘留，案件还在调查"),
        N_("您的家人被刑事拘留，案件还在调查"),
        N_("采取了刑事拘留，案件还在调查"),
    ),
    "arrest": (
        N_("您被逮捕，案件还在调查"),
        N_("您的家人被逮捕，案件还在调查"),
        N_("采取了逮捕，案件还在调查"),
    ),
}

_NOTHING_TO_DO = N_("现在不需要您做任何事。")
_IN_DANGER = N_("有人威胁您，请打 %(emergency)s。想起新线索，请打办案单位的电话。")
_FREE_LAWYER = N_("<b>可以马上请律师。</b>经济困难，打 %(legal_aid)s 申请免费法律援助。")
_APPEAL = N_("不同意决定，可以申请行政复议或者起诉。怎样申请、最晚哪天，请看决定书或者问办案单位。")
_STATEMENT = N_("想说明情况、提出申辩，请打办案单位的电话。期限看告知书。")
_ASK_FOR_RECONSIDERATION = N_("不同意，可以申请复议。怎样申请、最晚哪天，请看通知书或者问办案单位。")
_KEEP_PAPERS = N_("请收好决定书。有疑问，打办案单位的电话。")
_LAWYER_FOR_VICTIM = N_("被害人可以请律师代理。经济困难，打 %(legal_aid)s 申请免费法律援助。")
_ASK_UNIT = N_("要了解案情，请联系办案单位。")

_TO_DO: Mapping[Story, tuple[str, ...]] = {
    Story.CRIMINAL_VICTIM: (_NOTHING_TO_DO, _IN_DANGER),
    Story.CRIMINAL_SUSPECT: (_FREE_LAWYER,),
    Story.ADMINISTRATIVE_VICTIM: (_NOTHING_TO_DO, _IN_DANGER),
    Story.ADMINISTRATIVE_SUSPECT: (N_("现在不需要您做任何事。有情况要说明，请打办案单位的电话。"),),
    Story.TRADE: (N_("要改正的，请按期改正。没有写的，现在不需要做任何事。"),),
    Story.OTHER: (_NOTHING_TO_DO,),
}
_TO_DO_AT: Mapping[tuple[Story, Stage], tuple[str, ...]] = {
    (Story.CRIMINAL_VICTIM, Stage.TRANSFERRED): (_LAWYER_FOR_VICTIM, _IN_DANGER),
    (Story.CRIMINAL_VICTIM, Stage.NOT_FILED): (_ASK_FOR_RECONSIDERATION, _IN_DANGER),
    (Story.CRIMINAL_VICTIM, Stage.WITHDRAWN): (_ASK_UNIT, _IN_DANGER),
    (Story.CRIMINAL_SUSPECT, Stage.WITHDRAWN): (_KEEP_PAPERS,),
    (Story.CRIMINAL_SUSPECT, Stage.STOPPED): (_KEEP_PAPERS,),
    (Story.ADMINISTRATIVE_VICTIM, Stage.PENALTY): (_APPEAL, _IN_DANGER),
    (Story.ADMINISTRATIVE_VICTIM, Stage.NO_PENALTY): (_APPEAL, _IN_DANGER),
    (Story.ADMINISTRATIVE_VICTIM, Stage.DECIDED): (_APPEAL, _IN_DANGER),
    (Story.ADMINISTRATIVE_VICTIM, Stage.TERMINATED): (_APPEAL, _IN_DANGER),
    (Story.ADMINISTRATIVE_VICTIM, Stage.NO_INVESTIGATION): (_APPEAL, _IN_DANGER),
    (Story.ADMINISTRATIVE_SUSPECT, Stage.NOTICE): (_STATEMENT,),
    (Story.ADMINISTRATIVE_SUSPECT, Stage.PENALTY): (N_("请按决定书上写的去做。"), _APPEAL),
    (Story.ADMINISTRATIVE_SUSPECT, Stage.DECIDED): (N_("请按决定书上写的去做。"), _APPEAL),
    (Story.ADMINISTRATIVE_SUSPECT, Stage.NO_PENALTY): (_KEEP_PAPERS,),
    (Story.ADMINISTRATIVE_SUSPECT, Stage.TERMINATED): (_KEEP_PAPERS,),
}
_TO_DO_FOR: Mapping[str, tuple[str, ...]] = {
    Role.AGENT: (_NOTHING_TO_DO, _ASK_UNIT),
    Role.THIRD_PARTY: (_NOTHING_TO_DO, _ASK_UNIT),
}

_MAY_STOP = (N_("也可能不进入下一步"), N_("不管哪种结果，办案单位都会依法告知。"))
_PROCURATORATE = (
    N_("检察院"),
    N_("可能起诉，可能不起诉，也可能退回补充调查。退回后，上面的步骤会变。"),
)
_NEXT: Mapping[Story, tuple[Said, ...]] = {
    Story.CRIMINAL_VICTIM: (
        (N_("移送检察院"), N_("查清了、证据够了才会移送。移送后被害人可以请律师代理。")),
        _MAY_STOP,
    ),
    Story.CRIMINAL_SUSPECT: (
        (N_("措施可能会变"), N_("可以延长、变更或者解除。当事人、近亲属和律师可以申请变更。")),
        (N_("移送检察院，或者撤销案件"), N_("证据够了才会移送。不应当追究的，会撤销。")),
    ),
    Story.ADMINISTRATIVE_VICTIM: (
        (N_("处理决定"), N_("查清后，可能处罚，可能不处罚，也可能终止调查。")),
        (N_("调解"), N_("有的案件可以调解，要双方自愿。")),
    ),
    Story.ADMINISTRATIVE_SUSPECT: (
        (N_("处理决定"), N_("查清后，可能处罚，可能不处罚，也可能终止调查。")),
        (N_("处罚之前"), N_("会先告知您，您可以说明情况、申辩。")),
    ),
}
_AFTER_DECISION = (
    N_("作出决定以后"),
    N_("复议或者法院可能改变决定。改变了，这里会更新。"),
)
_NEXT_AT: Mapping[tuple[Story, Stage], tuple[Said, ...]] = {
    (Story.CRIMINAL_VICTIM, Stage.TRANSFERRED): (_PROCURATORATE,),
    (Story.CRIMINAL_SUSPECT, Stage.TRANSFERRED): (_PROCURATORATE,),
    (Story.CRIMINAL_SUSPECT, Stage.WITHDRAWN): (),
    (Story.CRIMINAL_SUSPECT, Stage.STOPPED): (),
    (Story.CRIMINAL_VICTIM, Stage.WITHDRAWN): (),
    (Story.CRIMINAL_VICTIM, Stage.NOT_FILED): (
        (N_("申请复议以后"), N_("决定可能改变，也可能不变。改变了，这里会更新。")),
    ),
}
_DECIDED = (Stage.PENALTY, Stage.NO_PENALTY, Stage.DECIDED, Stage.TERMINATED, Stage.NO_INVESTIGATION)


def said(story: Story, stage: Stage, role: str, measure: str | None) -> Said:
    """Headline and meaning; `measure` is the kind of the measure in force, if the reader may see one."""
    phrase = _BY_STORY.get((story, stage)) or _NEUTRAL_STAGES[stage]
    named = _MEASURES.get(measure or "")
    if story is Story.CRIMINAL_SUSPECT and stage is Stage.MEASURE and named:
        you, family, neutral = named
        return {Role.SUSPECT: you, Role.SUSPECT_FAMILY: family}.get(Role(role), neutral), phrase[1]
    return phrase


def to_do(story: Story, stage: Stage, role: str) -> tuple[str, ...]:
    """What the reader has to do now, as paragraphs."""
    return _TO_DO_AT.get((story, stage)) or _TO_DO_FOR.get(role) or _TO_DO[story]


def may_come(story: Story, stage: Stage) -> tuple[Said, ...]:
    """What may come next, as (what, explanation); empty when nothing can be said."""
    if (story, stage) in _NEXT_AT:
        return _NEXT_AT[story, stage]
    return (_AFTER_DECISION,) if stage in _DECIDED else _NEXT.get(story, ())
