"""The live pages."""

from django.http import HttpResponse
from django.urls import path

app_name = "supervisor"
urlpatterns = [path("", lambda request: HttpResponse("soon"), name="board")]
