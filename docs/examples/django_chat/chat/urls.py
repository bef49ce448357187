from django.urls import path

from chat import views

urlpatterns = [
    path("login/", views.log_in),
    path("logout/", views.log_out),
    path("rooms/<slug:slug>/announcements/", views.announce),
]
