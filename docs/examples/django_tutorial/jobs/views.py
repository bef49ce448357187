from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from jobs import tasks
from jobs.work import KINDS


@require_POST
def queue(request: HttpRequest) -> JsonResponse:
    kind, text = request.POST.get("kind", ""), request.POST.get("text", "")
    if kind not in KINDS:
        return JsonResponse({"error": f"no such job: {kind}"}, status=400)
    return JsonResponse({"id": tasks.queue(kind, text).pk}, status=202)
